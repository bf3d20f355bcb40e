package gateway

import (
	"testing"
	"time"
)

const exhausted = "RESOURCE_EXHAUSTED: Quota exceeded for quota metric 'reads' and limit 'reads-per-minute' of service 'api.test'."

// The limit is 5 a minute and a call costs 2.
func TestQuotaIsForEachKeyAndMinute(t *testing.T) {
	bothModes(t, func(t *testing.T, m mode) {
		now := time.Date(2026, 1, 1, 12, 0, 10, 0, time.UTC)
		g := start(t, m, echo, Options{Now: func() time.Time { return now }})
		metered := func(key string) func() {
			return func() { t.Helper(); wantForwarded(t, call(g, "GET", "/metered", "X-Api-Key", key)) }
		}
		usedUp := func(key string) {
			t.Helper()
			wantRefusal(t, call(g, "GET", "/metered", "X-Api-Key", key), 429, exhausted)
		}
		metered("first-key")()
		metered("first-key")()
		usedUp("first-key") // 4 of 5 used: a call is not split
		usedUp("first-key")
		metered("second-key")()

		now = now.Add(49 * time.Second)
		usedUp("first-key")
		now = now.Add(time.Second)
		metered("first-key")()

		wantForwarded(t, call(g, "GET", "/visits/top", "X-Api-Key", "first-key"))
	})
}

func TestAWrongKeyCostsNothing(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 10, 0, time.UTC)
	g := start(t, inProcess, echo, Options{Now: func() time.Time { return now }})
	for range 5 {
		wantRefusal(t, call(g, "GET", "/metered", "X-Api-Key", "wrong"), 400, wrongKey)
		wantRefusal(t, call(g, "GET", "/metered"), 401, noKey)
	}
	wantForwarded(t, call(g, "GET", "/metered", "X-Api-Key", "first-key"))
}

// A call takes from all its limits or from none.
func TestQuotaTakesAllOrNothing(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 10, 0, time.UTC)
	q := newQuota([]limitRule{rule("wide", 10), rule("narrow", 1)}, "api.test", 0, func() time.Time { return now })
	both := q.charges(map[string]int64{"wide": 4, "narrow": 1})
	wide := q.charges(map[string]int64{"wide": 6})
	for _, step := range []struct {
		charges []charge
		ok      bool
	}{{both, true}, {both, false}, {wide, true}, {wide, false}} {
		if got := q.allocate(step.charges, anonymous) == nil; got != step.ok {
			t.Fatalf("charge of %d limits: allowed %v, want %v", len(step.charges), got, step.ok)
		}
	}
}

func rule(name string, perMinute int64) limitRule {
	r := limitRule{Name: name, Metric: name}
	r.Values.Standard = perMinute
	return r
}
