package visit

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"maps"
	"slices"
)

// ReferralDays is for how many days it is kept where visits came from, besides the last day
// of the page. As with its history, it is the last ones that have any.
const ReferralDays = 365

// What is kept of referrals is bounded, for it is written with every batch: on the last
// day the first dayNames hosts, and as many sources, that brought anybody; of days gone by
// the pastNames that brought the most, and over all days no more than allNames of both.
// The visits that others brought are kept as one number a day.
const (
	dayNames  = 100
	pastNames = 10
	allNames  = 200
)

// origin is a host, or a source. Without a name it is all others.
type origin struct {
	source bool
	name   string
}

// brought is how many visits came from somewhere on one day.
type brought struct {
	origin
	visits int64
}

// referrals is where the visits of a page, or of a shard of it, came from.
type referrals struct {
	today []brought // on the last day of the page
	past  []byte    // on earlier ones, see appendPast: most batches only pass it on
}

// count counts one visit of the page's last day.
func (r *referrals) count(ref Referral) {
	if ref.Host != "" {
		r.add(brought{origin{name: ref.Host}, 1})
	}
	if ref.Source != "" {
		r.add(brought{origin{source: true, name: ref.Source}, 1})
	}
}

// add adds visits of one name. When there are too many names, a new one takes the place of
// one with the fewest visits, which go to the others: whoever makes up names does not keep
// out one that comes twice.
func (r *referrals) add(more brought) {
	names, least := 0, -1
	for i := range r.today {
		b := &r.today[i]
		if b.origin == more.origin {
			b.visits += more.visits
			return
		}
		if b.source == more.source && b.name != "" {
			names++
			if least < 0 || b.visits < r.today[least].visits {
				least = i
			}
		}
	}
	if more.name == "" || names < dayNames {
		r.today = append(r.today, more)
		return
	}
	gone := r.today[least]
	r.today[least] = more
	gone.name = ""
	r.add(gone)
}

// turn makes the last day past, for a new one begins.
func (r *referrals) turn(last Day) {
	if r.empty() {
		return
	}
	days, _ := decodePast(r.past) // what cannot be read goes: it does not stop a count
	if len(r.today) > 0 {
		days = append(days, dayReferrals{last, most(r.today)})
	}
	*r = referrals{past: appendPast(nil, latest(days))}
}

// latest are the last of days gone by, as many as are kept.
func latest(days []dayReferrals) []dayReferrals { return days[max(0, len(days)-ReferralDays):] }

func (r *referrals) empty() bool { return len(r.today) == 0 && len(r.past) == 0 }

// dayReferrals is where the visits of one day came from.
type dayReferrals struct {
	day  Day
	from []brought
}

// days returns all that is kept, ascending, and whether it could be read.
func (r *referrals) days(last Day) ([]dayReferrals, bool) {
	days, ok := decodePast(r.past)
	if len(r.today) > 0 {
		days = append(days, dayReferrals{last, r.today})
	}
	return days, ok
}

// most keeps the hosts and sources of one day that brought the most.
func most(all []brought) []brought {
	all = slices.SortedStableFunc(slices.Values(all), func(a, b brought) int { return cmp.Compare(b.visits, a.visits) })
	kept := make(map[bool]int)
	for i, b := range all {
		if b.name == "" {
			continue
		}
		if kept[b.source]++; kept[b.source] > pastNames {
			all[i].name = ""
		}
	}
	return joined(all)
}

// joined adds up what came from the same place, in the order of the first of each.
func joined(all []brought) []brought {
	at := make(map[origin]int, len(all))
	sums := make([]brought, 0, len(all))
	for _, b := range all {
		i, ok := at[b.origin]
		if !ok {
			i = len(sums)
			at[b.origin] = i
			sums = append(sums, brought{origin: b.origin})
		}
		sums[i].visits = clamp(sums[i].visits + b.visits)
	}
	return sums
}

// appendPast encodes days gone by: how many names, the names, and for each day the
// distance to the one before, and how many visits came from which name.
func appendPast(b []byte, days []dayReferrals) []byte {
	if len(days) == 0 {
		return b
	}
	names := namesOf(days)
	numbers := make(map[origin]int, len(names))
	b = binary.AppendVarint(b, int64(len(names)))
	for i, o := range names {
		numbers[o] = i
		b = appendOrigin(b, o)
	}
	before := Day(0)
	for _, d := range days {
		for i, x := range d.from {
			if _, known := numbers[x.origin]; !known {
				d.from[i].name = ""
			}
		}
		list := joined(d.from)
		b = binary.AppendVarint(b, int64(d.day-before))
		b = binary.AppendVarint(b, int64(len(list)))
		for _, x := range list {
			b = binary.AppendVarint(b, int64(numbers[x.origin]))
			b = binary.AppendVarint(b, x.visits)
		}
		before = d.day
	}
	return b
}

// namesOf returns what the days name, at most allNames, those that brought the most; and
// both that stand for all others.
func namesOf(days []dayReferrals) []origin {
	sums := make(map[origin]int64)
	for _, d := range days {
		for _, x := range d.from {
			if x.name != "" {
				sums[x.origin] = clamp(sums[x.origin] + x.visits)
			}
		}
	}
	names := slices.SortedFunc(maps.Keys(sums), func(a, b origin) int {
		return cmp.Or(cmp.Compare(sums[b], sums[a]), cmp.Compare(a.name, b.name), cmp.Compare(a.kind(), b.kind()))
	})
	return append([]origin{{}, {source: true}}, names[:min(len(names), allNames)]...)
}

func (o origin) kind() int64 {
	if o.source {
		return 1
	}
	return 0
}

func appendOrigin(b []byte, o origin) []byte {
	b = binary.AppendVarint(b, o.kind())
	b = binary.AppendVarint(b, int64(len(o.name)))
	return append(b, o.name...)
}

// decodePast reads what appendPast wrote, and whether it is that.
func decodePast(past []byte) (days []dayReferrals, ok bool) {
	if len(past) == 0 {
		return nil, true
	}
	r := varints{rest: past}
	names := make([]origin, r.length(allNames+2))
	for i := range names {
		names[i] = r.origin()
	}
	day := int64(minDay) - 1
	for !r.failed && len(r.rest) > 0 {
		step := r.next()
		if len(days) > 0 {
			step += day
		}
		if r.failed = r.failed || step <= day || step > int64(maxDay); r.failed {
			break
		}
		day = step
		d := dayReferrals{Day(day), make([]brought, r.length(2*pastNames+2))}
		for i := range d.from {
			if n := r.length(len(names) - 1); !r.failed {
				d.from[i] = brought{names[n], r.next()}
			}
		}
		if !r.failed {
			days = append(days, d)
		}
	}
	return days, !r.failed
}

// append encodes the referrals: those of the last day, how long the rest is, and the rest.
func (r *referrals) append(b []byte) []byte {
	b = binary.AppendVarint(b, int64(len(r.today)))
	for _, x := range r.today {
		b = binary.AppendVarint(appendOrigin(b, x.origin), x.visits)
	}
	b = binary.AppendVarint(b, int64(len(r.past)))
	return append(b, r.past...)
}

// maxPastBytes is more than what appendPast ever makes.
const maxPastBytes = 512 << 10

func (r *varints) referrals() (all referrals) {
	if n := r.length(2*dayNames + 2); n > 0 {
		all.today = make([]brought, n, n+2)
	}
	for i := range all.today {
		all.today[i] = brought{r.origin(), r.next()}
	}
	all.past = bytes.Clone(r.bytes(r.length(maxPastBytes))) // what is decoded keeps no part of data
	return all
}

func (r *varints) origin() origin {
	kind := r.length(1)
	return origin{source: kind == 1, name: string(r.bytes(r.length(maxReferralBytes)))}
}

// length reads a number from 0 to most.
func (r *varints) length(most int) int {
	n := r.next()
	if n < 0 || n > int64(most) {
		r.failed = true
		return 0
	}
	return int(n)
}

func (r *varints) bytes(n int) []byte {
	if n > len(r.rest) {
		r.failed = true
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}
