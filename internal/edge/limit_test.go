package edge

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// newLimiter returns a limiter and what lets its time pass.
func newLimiter(perSecond float64) (*limiter, func(time.Duration)) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	return &limiter{perSecond: perSecond, now: func() time.Time { return now }}, func(d time.Duration) { now = now.Add(d) }
}

// taken is how many requests in a row an address may send now.
func (l *limiter) taken(addr string, most int) int {
	for n := range most {
		if _, ok := l.allow(netip.MustParseAddr(addr), 1); !ok {
			return n
		}
	}
	return most
}

func TestLimiterAllowsABurstAndThenItsRate(t *testing.T) {
	l, pass := newLimiter(5)
	for _, step := range []struct {
		pass time.Duration
		want int
	}{
		{0, 10}, {0, 0}, {200 * time.Millisecond, 1}, {time.Second, 5}, {time.Minute, 10}, {time.Hour, 10}, {0, 0},
	} {
		pass(step.pass)
		if got := l.taken("192.0.2.1", 100); got != step.want {
			t.Errorf("%v later %d requests are allowed, want %d", step.pass, got, step.want)
		}
	}
}

func TestLimiterSaysHowLongToWait(t *testing.T) {
	for _, tt := range []struct {
		perSecond float64
		wait      int
	}{{20, 1}, {1, 1}, {0.5, 2}, {0.1, 10}, {minRate, 50}, {maxRate, 1}} {
		l, pass := newLimiter(tt.perSecond)
		addr := netip.MustParseAddr("192.0.2.1")
		for ok := true; ok; {
			_, ok = l.allow(addr, 1)
		}
		wait, ok := l.allow(addr, 1)
		if ok || wait != tt.wait {
			t.Errorf("at %g a second: allowed %v, wait %d; want to wait %d", tt.perSecond, ok, wait, tt.wait)
		}
		pass(time.Duration(wait) * time.Second)
		if wait, ok := l.allow(addr, 1); !ok {
			t.Errorf("at %g a second: after the wait, another of %d; want to be allowed", tt.perSecond, wait)
		}
	}
}

func TestLimiterTellsAddressesApart(t *testing.T) {
	l, _ := newLimiter(1)
	for _, tt := range []struct {
		addr string
		want int
	}{
		{"192.0.2.1", 2}, {"192.0.2.1", 0}, {"192.0.2.2", 2},
		{"2001:db8:0:1::1", 2}, {"2001:db8:0:1:ffff::2", 0}, {"2001:db8:0:2::1", 2}, {"fe80::1%eth0", 2}, {"fe80::2%eth1", 0},
	} {
		if got := l.taken(tt.addr, 100); got != tt.want {
			t.Errorf("%s may send %d, want %d", tt.addr, got, tt.want)
		}
	}
	if _, ok := l.allow(netip.Addr{}, 1); !ok {
		t.Error("who has no address may send none, want the rate of one address")
	}
}

func TestLimiterOfZeroIsNone(t *testing.T) {
	l, _ := newLimiter(0)
	if got := l.taken("192.0.2.1", 10_000); got != 10_000 {
		t.Errorf("%d requests are allowed, want all", got)
	}
	if len(l.recent)+len(l.earlier) != 0 {
		t.Error("addresses are remembered without need")
	}
}

func TestLimiterForgetsAddresses(t *testing.T) {
	l, pass := newLimiter(0.001)
	l.taken("192.0.2.1", 100)
	pass(limiterAge + time.Second)
	l.taken("192.0.2.2", 100)
	if got := l.taken("192.0.2.1", 100); got != 0 {
		t.Errorf("after a minute %d requests are allowed, want the address to be known still", got)
	}
	for range 3 {
		pass(limiterAge + time.Second)
		l.taken("192.0.2.2", 100)
	}
	gone := netip.MustParseAddr("192.0.2.1")
	if l.recent[gone] != nil || l.earlier[gone] != nil {
		t.Errorf("an address that did not come for minutes is known still")
	}
}

func TestLimiterKnowsABoundedNumberOfAddresses(t *testing.T) {
	l, _ := newLimiter(20)
	for i := range 3 * limiterSize {
		l.allow(netip.AddrFrom4([4]byte{byte(i >> 24), byte(i >> 16), byte(i >> 8), byte(i)}), 1)
	}
	if n := len(l.recent) + len(l.earlier); n > 2*limiterSize {
		t.Errorf("%d addresses are known, want at most %d", n, 2*limiterSize)
	}
}

// TestARequestThatNamesManyThingsCountsAsSeveral, ten to one: each is read, and paid for.
func TestARequestThatNamesManyThingsCountsAsSeveral(t *testing.T) {
	type input struct {
		Pages []string `query:"page,explode"`
		SKUs  []string `query:"skus"`
		Note  string   `query:"note"`
	}
	f := Function{Name: "test", EntryPoint: "Test", Register: func(a *API) {
		Register(a, Operation{
			Operation: huma.Operation{OperationID: "test", Method: http.MethodGet, Path: "/test"}, Public: true,
		}, func(context.Context, *input) (*struct{}, error) { return nil, nil })
	}}
	for _, tt := range []struct {
		query string
		want  int // of the 12 that may come at once
	}{
		{"", 12},
		{"note=" + strings.Repeat("a,", 99), 12},
		{strings.Repeat("page=/a&", 10), 12},
		{strings.Repeat("page=/a&", 11), 6},
		{"skus=" + strings.Repeat("a,", 29) + "a", 4},
		{strings.Repeat("page=/a&", 100) + "skus=a,b", 1},
		{strings.Repeat("page=/a&", 900), 1}, // more than may come at once
		{"page=/a" + strings.Repeat(",", 99), 12},
	} {
		now := time.Now()
		api := made(New(f, Env{Config: Config{RateLimit: 6, TrustedHops: 1, AllowedOrigins: []string{"*"}}, Now: func() time.Time { return now }}, nil))
		h, got := api.Handler(), 0
		for {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/test?"+tt.query, nil))
			if w.Code != http.StatusNoContent {
				if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" {
					t.Errorf("?%.20s: %d %s, want 429", tt.query, w.Code, w.Body)
				}
				break
			}
			got++
		}
		if got != tt.want {
			t.Errorf("?%.20s: %d are allowed at once, want %d", tt.query, got, tt.want)
		}
	}
}

// TestARequestThatCountsAsMoreThanMayComeAtOnceIsOwed, under whatever rate.
func TestARequestThatCountsAsMoreThanMayComeAtOnceIsOwed(t *testing.T) {
	l, pass := newLimiter(1)
	addr := netip.MustParseAddr("192.0.2.1")
	allowed := 0
	for range 100 {
		if _, ok := l.allow(addr, 10); ok {
			allowed++
		}
		pass(time.Second)
	}
	if allowed < 9 || allowed > 11 {
		t.Errorf("in 100 seconds %d requests that count as 10 are allowed at 1 a second, want 10", allowed)
	}
}
