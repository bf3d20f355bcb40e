package visit

import (
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/storage"
)

const someShards = 4

// inEachShard returns services on one store, one for each shard that they count in.
func inEachShard(t *testing.T) []fixture {
	t.Helper()
	store, c := openStore(t), newClock()
	services := make([]fixture, someShards)
	for i := range services {
		services[i] = on(t, store, c, Options{Shards: someShards})
		services[i].own = i
	}
	return services
}

func TestShardsAddUp(t *testing.T) {
	services := inEachShard(t)
	for i, f := range services {
		for j := range i + 1 {
			got := f.count("/", person(j))
			if got.Exact {
				t.Error("a number of a page with shards says that it is exact")
			}
		}
		services[0].clock.pass(2 * time.Second) // what is known of other shards is old
	}
	for _, f := range services {
		f.want("/", 1+2+3+4, 4)
		f.wantAll([]View{view("/", Tally{}, onDay(today, 10, 4))})
	}
	if got := entities(t, services[0].store, PageKind); len(got) != someShards {
		t.Errorf("%d entities, want %d", len(got), someShards)
	}
	if got := services[2].count("/", person(9)); got.Tally != (Tally{11, 5 + 1}) && got.Visits != 11 {
		t.Errorf("the next count says %+v, want 11 visits", got.Tally)
	}
}

func TestAShardsReplyKnowsTheOthersOfAMomentAgo(t *testing.T) {
	services := inEachShard(t)
	a, b := services[0], services[1]
	for _, step := range []struct {
		f    fixture
		pass time.Duration
		want int64
	}{
		{a, 0, 1}, {b, 0, 2}, {a, 0, 2}, {a, time.Second, 4}, {b, 0, 5},
	} {
		a.clock.pass(step.pass)
		if got := step.f.count("/", person(1)).Visits; got != step.want {
			t.Errorf("shard %d replies %d, want %d", step.f.own, got, step.want)
		}
	}
	a.want("/", 5, 1)
}

func TestACountThatCannotSeeTheOtherShardsCountsNothing(t *testing.T) {
	store := &noReads{Store: openStore(t)}
	f := on(t, store, newClock(), Options{Shards: someShards})
	f.count("/", person(1))
	f.clock.pass(time.Minute)
	store.down = true
	if got, err := f.Count(t.Context(), Request{Page: "/", Visitor: person(1)}); err == nil {
		t.Errorf("Count = %+v, want an error", got)
	}
	store.down = false
	f.want("/", 1, 1)
}

func TestShardsAreReadExactlyAndMonotonelyWhileTheyAreCounted(t *testing.T) {
	services := inEachShard(t)
	done := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		for last := int64(0); ; {
			got := services[0].read("/").Visits
			if got < last {
				t.Errorf("a reader saw %d after %d", got, last)
			}
			last = got
			select {
			case <-done:
				return
			default:
			}
		}
	})
	const clients, each = 16, 60
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			for range each {
				services[i%someShards].count("/", person(i))
			}
		})
	}
	wg.Wait()
	close(done)
	reader.Wait()
	services[0].want("/", clients*each, clients)
}

func TestTopListsAPageWithShardsOnce(t *testing.T) {
	services := inEachShard(t)
	want := make(map[Page]int64)
	for i := range 12 {
		p := pageNumber(i)
		for j, f := range services {
			for range (i*7 + j*j) % 5 {
				f.count(p, person(j))
				want[p]++
			}
		}
	}
	for _, size := range []int{1, 3, 100} {
		got, cursor := make(map[Page]int64), ""
		for {
			views, next, err := services[1].Top(t.Context(), size, cursor)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range views {
				if _, twice := got[v.Page]; twice {
					t.Errorf("size %d: %s is there twice", size, v.Page)
				}
				got[v.Page] = v.Visits
			}
			if cursor = next; next == "" {
				break
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("size %d: Top = %v, want %v", size, got, want)
		}
	}
}

func TestSetAndDeleteCoverAllShards(t *testing.T) {
	services := inEachShard(t)
	for _, f := range services {
		f.count("/", person(1))
	}
	services[2].set("/", Tally{1000, 700})
	if got := services[2].count("/", person(1)).Visits; got != 1001 {
		t.Errorf("the next visit where it was set is %d, want 1001", got)
	}
	services[2].set("/", Tally{1000, 700})
	for _, f := range services {
		f.want("/", 1000, 700)
	}
	services[0].clock.pass(time.Second)
	if got := services[3].count("/", person(2)).Visits; got != 1001 {
		t.Errorf("the next visit is %d, want 1001", got)
	}
	if got, want := services[0].read("/").Days, []DayTally{onDay(today, 6, 2)}; !reflect.DeepEqual(got, want) {
		t.Errorf("the history is %v, want %v", got, want)
	}
	services[1].count("/", person(2)) // so that it knows the other shards
	if !services[1].delete("/") {
		t.Error("Delete says that nothing was there")
	}
	for _, f := range services {
		f.want("/", 0, 0)
	}
	services[0].wantAll(nil)
	if got := services[1].count("/", person(2)).Tally; got != (Tally{1, 1}) {
		t.Errorf("the next visit where it was deleted is %+v, want 1 by 1", got)
	}
	services[1].delete("/")
	services[0].clock.pass(time.Second)
	if got := services[3].count("/", person(2)).Tally; got != (Tally{1, 1}) {
		t.Errorf("the next visit is %+v, want 1 by 1", got)
	}
}

func TestImportOverShardsIsWholeAndHappensOnce(t *testing.T) {
	services := inEachShard(t)
	for _, f := range services {
		f.count("/", person(f.own))
	}
	v := view("/", Tally{100, 50}, onDay(today-1, 9, 8), onDay(today, 6, 2))
	want := []View{view("/", Tally{100, 50}, onDay(today-1, 9, 8), onDay(today, 6, 4))}
	for i := range 3 {
		services[i].importViews(v)
		services[0].wantAll(want)
	}
}

// TestJoin tells the same visitors apart from others whatever their shards are
// like, and leaves the shards as they are.
func TestJoin(t *testing.T) {
	hash := hasher(t)
	shard := func(day Day, from, to int) *state {
		s := new(state)
		for i := from; i < to; i++ {
			s.count(day, hash(person(i)))
		}
		return s
	}
	private := new(state)
	private.count(today, 0)
	for _, tt := range []struct {
		name   string
		shards []*state
		want   View
	}{
		{"none", []*state{nil, nil}, View{}},
		{"one", []*state{nil, shard(today, 0, 5)}, view("", Tally{}, onDay(today, 5, 5))},
		{"two with the same visitors", []*state{shard(today, 0, 5), shard(today, 0, 5)}, view("", Tally{}, onDay(today, 10, 5))},
		{"two with some of the same", []*state{shard(today, 0, 5), shard(today, 3, 8)}, view("", Tally{}, onDay(today, 10, 8))},
		{"private visits first", []*state{private, shard(today, 0, 5), shard(today, 0, 5)}, view("", Tally{}, onDay(today, 11, 5))},
		{"private visits between", []*state{shard(today, 0, 5), private, shard(today, 0, 5)}, view("", Tally{}, onDay(today, 11, 5))},
		{"private visits last", []*state{shard(today, 0, 5), shard(today, 0, 5), private}, view("", Tally{}, onDay(today, 11, 5))},
		{"yesterday's last", []*state{shard(today, 0, 5), shard(today-1, 0, 5), shard(today, 0, 5)},
			view("", Tally{}, onDay(today-1, 5, 5), onDay(today, 10, 5))},
		{"yesterday's first", []*state{shard(today-1, 0, 5), shard(today, 0, 5), shard(today, 3, 8)},
			view("", Tally{}, onDay(today-1, 5, 5), onDay(today, 10, 8))},
		{"yesterday's twice: no sketch tells them apart any more", []*state{shard(today-1, 0, 5), shard(today-1, 0, 5).on2(today)},
			view("", Tally{}, onDay(today-1, 10, 10), onDay(today, 1, 0))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := fmt.Sprint(estimates(tt.shards))
			for range 2 {
				if diff := diffViews([]View{tt.want}, []View{join(tt.shards).view("")}); diff != "" {
					t.Errorf("join, - want + got:\n%s", diff)
				}
			}
			if after := fmt.Sprint(estimates(tt.shards)); after != before {
				t.Errorf("the shards are %s after join, want %s", after, before)
			}
		})
	}
}

// on2 counts a private visit on a later day, by which the day's sketch goes.
func (s *state) on2(day Day) *state {
	s.count(day, 0)
	return s
}

// estimates is what can be seen of states.
func estimates(states []*state) (all []string) {
	for _, s := range states {
		if s == nil {
			all = append(all, "nil")
			continue
		}
		line := fmt.Sprint(s.total, s.days)
		if s.sketch != nil {
			line += fmt.Sprint(" sketch ", s.sketch.Estimate())
		}
		all = append(all, line)
	}
	return all
}

func TestShardKeysAreInOrderAndFollowTheirPage(t *testing.T) {
	f := newFixture(t, Options{Shards: 12})
	for _, p := range []Page{"/", "/a", "/a!", "/a%20", "/a/b", "/a0"} {
		for i := range 12 {
			g := on(t, f.store, f.clock, Options{Shards: 12})
			g.own = i
			g.count(p, person(1))
		}
	}
	var got []Page
	for _, v := range f.all() {
		if v.Visits != 12 {
			t.Errorf("%s has %d visits, want 12", v.Page, v.Visits)
		}
		got = append(got, v.Page)
	}
	if want := []Page{"/", "/a", "/a!", "/a%20", "/a/b", "/a0"}; !reflect.DeepEqual(got, want) {
		t.Errorf("pages %v, want %v", got, want)
	}
	if got := pageOf(storage.Key{Kind: PageKind, Name: "/a 11"}); got != "/a" {
		t.Errorf("pageOf a shard is %q, want /a", got)
	}
}
