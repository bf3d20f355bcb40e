package edge

import (
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
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
			weight := a.weight(op, r.URL)
			if wait, ok := limit.allow(client.Addr, weight); !ok {
				detail := fmt.Sprintf("At most %g requests a second from one address.", limit.perSecond)
				if weight > 1 {
					detail += fmt.Sprintf(" This one counts as %d, for it names so many things.", weight)
				}
				writeProblem(w, NewProblem(http.StatusTooManyRequests, "RATE_LIMITED", detail).RetryAfter(wait))
				return
			}
		}
		next.ServeHTTP(w, r.WithContext(withClient(r.Context(), client)))
	})
}

// perRequest is how many things a request may name that counts as one.
const perRequest = 10

// weight is as how many requests one counts: who names a hundred things has a hundred read,
// and the operator pays for each.
func (a *API) weight(op Operation, u *url.URL) int {
	var query url.Values // most operations name one thing
	named := 0
	for _, p := range a.queries[op.Method+" "+op.Path] {
		if p.In != "query" || p.Schema.Type != huma.TypeArray {
			continue
		}
		if query == nil {
			query = u.Query()
		}
		for _, v := range query[p.Name] {
			named++
			if p.Explode == nil || !*p.Explode {
				named += strings.Count(v, ",")
			}
		}
	}
	return max(1, (named+perRequest-1)/perRequest)
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

// allow takes so many requests of addr, or returns for how many seconds it has to
// wait. Of an IPv6 address the first 64 bits count.
func (l *limiter) allow(addr netip.Addr, requests int) (wait int, ok bool) {
	if l.perSecond == 0 {
		return 0, true
	}
	if addr.Is6() {
		addr = netip.PrefixFrom(addr, 64).Masked().Addr()
	}
	now := l.now()
	bucket := l.bucket(addr, now)
	first := min(requests, bucket.Burst())
	if bucket.AllowN(now, first) {
		for owed := requests - first; owed > 0; owed -= bucket.Burst() { // more than may come at once
			bucket.ReserveN(now, min(owed, bucket.Burst()))
		}
		return 0, true
	}
	missing := float64(first) - bucket.TokensAt(now)
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
