package gateway

import (
	"fmt"
	"net/http"
	"sync"
	"time"
)

// quota counts what each consumer has used of each limit in the minute that the clock shows.
type quota struct {
	now    func() time.Time
	mu     sync.Mutex // guards the limits' usage
	limits []*limit
}

type limit struct {
	metric    string
	perMinute int64
	exhausted *refusal
	used      []usage // by consumer
}

type usage struct {
	minute int64 // since 1970
	amount int64
}

// charge is what one call of an operation costs.
type charge struct {
	limit *limit
	cost  int64
}

func newQuota(rules []limitRule, service string, keys int, now func() time.Time) *quota {
	q := &quota{now: now}
	for _, rule := range rules {
		q.limits = append(q.limits, &limit{
			metric:    rule.Metric,
			perMinute: rule.Values.Standard,
			used:      make([]usage, 1+keys),
			// Service Control writes the text; it goes on with the number of the key's project.
			exhausted: newRefusal(http.StatusTooManyRequests, fmt.Sprintf(
				"RESOURCE_EXHAUSTED: Quota exceeded for quota metric '%s' and limit '%s' of service '%s'.",
				rule.Metric, rule.Name, service)),
		})
	}
	return q
}

// charges of an operation: a metric is charged to every limit on it, and to none if it has none.
func (q *quota) charges(costs map[string]int64) []charge {
	var charges []charge
	for _, l := range q.limits {
		if cost := costs[l.metric]; cost > 0 {
			charges = append(charges, charge{l, cost})
		}
	}
	return charges
}

// allocate takes all the charges, or none of them and says which limit is used up.
func (q *quota) allocate(charges []charge, consumer int) *refusal {
	if len(charges) == 0 {
		return nil
	}
	minute := q.now().Unix() / 60
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, c := range charges {
		used := &c.limit.used[consumer]
		if used.minute != minute {
			*used = usage{minute: minute}
		}
		if c.cost > c.limit.perMinute-used.amount {
			return c.limit.exhausted
		}
	}
	for _, c := range charges {
		c.limit.used[consumer].amount += c.cost
	}
	return nil
}
