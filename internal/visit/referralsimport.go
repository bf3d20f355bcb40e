package visit

import (
	"cmp"
	"maps"
	"slices"
)

// DayReferrals is how many visits of one day each name brought. Without a name it is all
// others.
type DayReferrals struct {
	Day                Day
	Referrers, Sources map[string]int64
}

// origins is how many visits came from where.
type origins map[origin]int64

func (o origins) add(from origin, visits int64) { o[from] = clamp(o[from] + visits) }

// total is how many visits hosts, or sources, brought together.
func (o origins) total(source bool) (sum int64) {
	for from, visits := range o {
		if from.source == source {
			sum = clamp(sum + visits)
		}
	}
	return sum
}

// names are the hosts, or sources, that brought the most, first.
func (o origins) names(source bool, most int) []brought {
	var list []brought
	for from, visits := range o {
		if from.source == source && from.name != "" && visits > 0 {
			list = append(list, brought{from, visits})
		}
	}
	slices.SortFunc(list, func(a, b brought) int {
		return cmp.Or(cmp.Compare(b.visits, a.visits), cmp.Compare(a.name, b.name))
	})
	return list[:min(len(list), most)]
}

// originsOf adds up what the shards of a page keep, by day, and says whether all of it could
// be read.
func originsOf(shards []*state) (days map[Day]origins, ok bool) {
	days = make(map[Day]origins)
	ok = eachBrought(shards, func(day Day, b brought) {
		if days[day] == nil {
			days[day] = make(origins)
		}
		days[day].add(b.origin, b.visits)
	})
	return days, ok
}

// eachBrought goes through what the shards of a page keep, and says whether all of it could
// be read.
func eachBrought(shards []*state, each func(Day, brought)) (ok bool) {
	ok = true
	for _, st := range shards {
		if st == nil {
			continue
		}
		days, whole := st.referrals.days(st.lastDay())
		ok = ok && whole
		for _, d := range days {
			for _, b := range d.from {
				each(d.day, b)
			}
		}
	}
	return ok
}

// listed returns days in their order.
func listed(days map[Day]origins) []DayReferrals {
	var list []DayReferrals
	for _, day := range slices.Sorted(maps.Keys(days)) {
		d := DayReferrals{Day: day, Referrers: make(map[string]int64), Sources: make(map[string]int64)}
		for from, visits := range days[day] {
			if from.source {
				d.Sources[from.name] = visits
			} else {
				d.Referrers[from.name] = visits
			}
		}
		list = append(list, d)
	}
	return list
}

func (d DayReferrals) origins() origins {
	all := make(origins, len(d.Referrers)+len(d.Sources))
	for name, visits := range d.Referrers {
		all.add(origin{name: name}, visits)
	}
	for name, visits := range d.Sources {
		all.add(origin{source: true, name: name}, visits)
	}
	return all
}

// raiseReferrals adds to s, the first of shards, what they lack of the days that more has:
// for each name the larger number stands, and for all names together. What s has no room
// for is with the others, as it is when visits are counted.
func (s *state) raiseReferrals(shards []*state, more []DayReferrals) {
	if len(more) == 0 {
		return
	}
	last := Day(-1)
	for _, st := range shards {
		if st != nil {
			last = max(last, st.lastDay())
		}
	}
	if last > s.lastDay() {
		s.day(last) // which another shard has had visits on
	}
	whole, _ := originsOf(shards) // what cannot be read goes, as when a day turns
	past, _ := decodePast(s.referrals.past)
	for _, d := range more {
		switch {
		case d.Day > last: // without a visit
		case d.Day == last:
			s.referrals.today = raised(s.referrals.today, whole[d.Day], d.origins(), dayNames)
		default:
			i, found := slices.BinarySearchFunc(past, d.Day, func(p dayReferrals, day Day) int { return int(p.day - day) })
			if !found {
				past = slices.Insert(past, i, dayReferrals{day: d.Day})
			}
			past[i].from = raised(past[i].from, whole[d.Day], d.origins(), pastNames)
		}
	}
	past = slices.DeleteFunc(past, func(d dayReferrals) bool { return len(d.from) == 0 })
	s.referrals.past = appendPast(nil, latest(past))
}

// raised is what a shard has of a day, own, with what the whole page lacks of more.
func raised(own []brought, whole, more origins, most int) (list []brought) {
	here := make(origins)
	for _, b := range own {
		here.add(b.origin, b.visits)
	}
	next := maps.Clone(here)
	for from, visits := range more {
		if lacks := visits - whole[from]; lacks > 0 {
			next.add(from, lacks)
		}
	}
	for _, source := range []bool{false, true} {
		elsewhere := whole.total(source) - here.total(source)
		others := max(whole.total(source), more.total(source)) - elsewhere
		for _, b := range next.names(source, most) {
			list = append(list, b)
			others -= b.visits
		}
		if others > 0 {
			list = append(list, brought{origin{source: source}, others})
		}
	}
	return list
}
