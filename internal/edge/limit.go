package edge

import (
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limited counts a call that needs no key against its client's rate, and lets the handler
// know the client.
func (a *API) limited(op Operation, next http.Handler) http.Handler {
	limit := a.limit
	if op.Limit > 0 {
		limit = &limiter{perSecond: op.Limit, now: a.Now}
	}
	counted := op.access() != keyed
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		client := clientOf(r, a.Config.TrustedHops)
		if counted {
			if wait, ok := limit.allow(client.Addr); !ok {
				writeProblem(w, NewProblem(http.StatusTooManyRequests, "RATE_LIMITED",
					fmt.Sprintf("At most %g requests a second from one address.", limit.perSecond)).RetryAfter(wait))
				return
			}
		}
		next.ServeHTTP(w, r.WithContext(withClient(r.Context(), client)))
	})
}

// limiter allows each client address so many requests a second, and as many again
// at once. It knows the addresses of the last minute or two, and at most twice
// limiterSize of them.
type limiter struct {
	perSecond float64
	now       func() time.Time

	mu              sync.Mutex
	recent, earlier map[netip.Addr]*rate.Limiter
	since           time.Time
}

const (
	limiterSize = 50_000
	limiterAge  = time.Minute
)

// allow takes one request of addr, or returns for how many seconds it has to
// wait. Of an IPv6 address the first 64 bits count.
func (l *limiter) allow(addr netip.Addr) (wait int, ok bool) {
	if l.perSecond == 0 {
		return 0, true
	}
	if addr.Is6() {
		addr = netip.PrefixFrom(addr, 64).Masked().Addr()
	}
	now := l.now()
	bucket := l.bucket(addr, now)
	if bucket.AllowN(now, 1) {
		return 0, true
	}
	missing := 1 - bucket.TokensAt(now)
	return max(1, int(math.Ceil(missing/l.perSecond))), false
}

func (l *limiter) bucket(addr netip.Addr, now time.Time) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.recent == nil || len(l.recent) >= limiterSize || now.Sub(l.since) > limiterAge {
		l.earlier, l.recent, l.since = l.recent, make(map[netip.Addr]*rate.Limiter), now
	}
	b := l.recent[addr]
	if b == nil {
		b = l.earlier[addr]
	}
	if b == nil {
		b = rate.NewLimiter(rate.Limit(l.perSecond), int(math.Ceil(2*l.perSecond)))
	}
	l.recent[addr] = b
	return b
}
