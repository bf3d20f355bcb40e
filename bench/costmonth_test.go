package bench

import (
	"sort"
	"testing"
)

// monthly is a month's bill in dollars.
type monthly struct{ entities, instances, requests, gateway, logs, out float64 }

func (m monthly) all() float64 {
	return m.entities + m.instances + m.requests + m.gateway + m.logs + m.out
}

// usage is what a day uses.
type usage struct{ requests, reads, writes, seconds, logged, out float64 }

func (u usage) plus(v usage) usage {
	return usage{u.requests + v.requests, u.reads + v.reads, u.writes + v.writes, u.seconds + v.seconds, u.logged + v.logged, u.out + v.out}
}

// of is what so many use that come at such a rate.
func (d *costDoc) of(work string, n, perSecond float64) usage {
	row := d.figures(work, perSecond)
	requests := n / 1000 * value(row["requests"])
	return usage{
		requests: requests,
		reads:    n / 1000 * value(row["reads"]),
		writes:   n / 1000 * value(row["writes"]),
		seconds:  n / 1000 * value(row["instance s"]),
		logged:   requests * (value(row["log B"]) + assumedLog),
		out:      requests * value(row["reply B"]),
	}
}

// way is how visits are counted and a thing is sold.
type way struct {
	visit string  // the work
	sale  string  // the work of a sale, or of its part
	parts float64 // of a sale
}

var (
	merged           = way{"visits", "sales", 1}
	aTransactionEach = way{"visits, a transaction each", "reservations, a transaction each", 2} // a commit is taken to cost what a reservation does
)

// visits is what so many use in so many seconds, with the scripts that go with them. One
// instance does it all, so it is billed for no more than these seconds.
func (d *costDoc) visits(w way, n, seconds float64) usage {
	u := d.of(w.visit, n, n/seconds).plus(d.of("script", scripts*n, scripts*n/seconds))
	u.seconds = min(u.seconds, seconds)
	return u
}

// day is what a day uses with so many visits and the shop's sales.
func (d *costDoc) day(visits float64, rush bool, w way) usage {
	sales := d.of(w.sale, w.parts*salesADay, w.parts*salesADay/secondsOfADay)
	if !rush {
		return d.visits(w, visits, secondsOfADay).plus(sales)
	}
	const hour = 3600
	return d.visits(w, visits*rushShare, hour).plus(d.visits(w, visits*(1-rushShare), secondsOfADay-hour)).plus(sales)
}

func (d *costDoc) month(visits float64, rush bool, w way) monthly {
	u := d.day(visits, rush, w)
	return monthly{
		entities:  days * (d.bill("entity reads", u.reads) + d.bill("entity writes", u.writes)), // free by the day
		instances: d.bill("CPU of an instance", days*u.seconds) + d.bill("memory of an instance", days*u.seconds*memory),
		requests:  d.bill("requests", days*u.requests),
		gateway:   d.bill("gateway calls", days*u.requests),
		logs:      d.bill("logs", days*u.logged/gib),
		out:       d.bill("data out of the gateway", days*u.out/gib),
	}
}

// machine is what a month of a virtual machine costs that is always on, with its disk, its
// address and what it sends.
func (d *costDoc) machine(kind string, visits float64) float64 {
	return d.bill(kind, hours) + d.bill("disk of a machine", machineDisk) + d.bill("address of a machine", hours) +
		d.bill("data out of a machine", days*d.day(visits, false, merged).out/gib)
}

// leaving is at how many visits a day, spread evenly, something leaves its free tier.
func (d *costDoc) leaving(t *testing.T, what string) float64 {
	t.Helper()
	used := map[string]func(usage) float64{
		"entity reads":          func(u usage) float64 { return u.reads },
		"entity writes":         func(u usage) float64 { return u.writes },
		"CPU of an instance":    func(u usage) float64 { return days * u.seconds },
		"memory of an instance": func(u usage) float64 { return days * u.seconds * memory },
		"requests":              func(u usage) float64 { return days * u.requests },
		"gateway calls":         func(u usage) float64 { return days * u.requests },
		"logs":                  func(u usage) float64 { return days * u.logged / gib },
	}[what]
	if used == nil {
		t.Fatalf("docs/cost.md: nothing is known to be free of %q", what)
	}
	_, free := d.price(what)
	return fewest(func(visits float64) bool { return used(d.day(visits, false, merged)) > free })
}

// overtaking is at how many visits a day, spread evenly, a machine costs less.
func (d *costDoc) overtaking(kind string) float64 {
	return fewest(func(visits float64) bool { return d.month(visits, false, merged).all() > d.machine(kind, visits) })
}

// fewest is the fewest visits a day, in hundreds, from which on something is so.
func fewest(is func(visits float64) bool) float64 {
	return 100 * float64(sort.Search(1e6, func(hundreds int) bool { return is(100 * float64(hundreds)) }))
}
