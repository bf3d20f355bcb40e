package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/internal/load"
)

// Read here what the command is asked, then loadwork.go (the requests), loadreport.go (what
// is said of them) and loadcompare.go (the way of one transaction a visit).

type loadOptions struct {
	clientCommand
	kind        string
	connections int
	duration    time.Duration
	requests    int
	rate        float64
	page        string
	sku         string
	json        bool
	naive       bool
	store       string
}

func loadCommand() *cobra.Command {
	var o loadOptions
	c := &cobra.Command{
		Use:   "load [visits|reserve|read]",
		Short: "Send many requests, and say how many were answered, how fast, and whether each is stored",
		Long: `Send many requests to a Tallystick, and say how many were answered, how fast, and whether
what was acknowledged is stored.

  visits   counts visits of --page, and compares its number before and after
  reserve  reserves one of --sku each time, for longer than it runs: ten minutes or more,
           with --requests a day; it needs the key
  read     reads the number of --page

What is counted and reserved is as real as any: use a page, an item and a database of its
own. Google bills for each request (docs/cost.md). The requests call themselves a browser,
"` + loadAgent + `",
for a bot's visits are not counted. They all come from one address, so the server has to
be started with RATE_LIMIT=0, or nearly all are refused.

Each connection sends its next request when it has the reply to the last. With --rate
requests are due by a clock, and latencies count from then: what stands in a queue waits.
The generator takes its share of the machine; a server is measured from another one.`,
		Example: "  RATE_LIMIT=0 tallystick serve --store sqlite:load.db --log-level warn\n" +
			"  tallystick load --connections 256\n  tallystick load --rate 2000 --duration 1m\n  tallystick load --compare-naive",
		Args:      cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"visits", "reserve", "read"},
		RunE: func(c *cobra.Command, args []string) error {
			o.kind = "visits"
			if len(args) > 0 {
				o.kind = args[0]
			}
			return o.run(c)
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.IntVar(&o.connections, "connections", 64, "how many send at once, 1 to 10,000")
	f.DurationVar(&o.duration, "duration", 10*time.Second, "for how long requests are sent")
	f.IntVar(&o.requests, "requests", 0, "how many are sent, in place of --duration")
	f.Float64Var(&o.rate, "rate", 0, "how many are due a second; 0: as many as are answered")
	f.StringVar(&o.page, "page", "/tallystick-load", "the page that is counted or read")
	f.StringVar(&o.sku, "sku", "", "the item that is reserved")
	f.BoolVar(&o.json, "json", false, "print one JSON object")
	f.BoolVar(&o.naive, "compare-naive", false, "count in this process, without HTTP, and then by a transaction for each visit")
	f.StringVar(&o.store, "store", "", "where --compare-naive counts: datastore:PROJECT or firestore:PROJECT on an emulator;\nelse a SQLite file that is removed again")
	o.flags(c)
	return c
}

func (o *loadOptions) run(c *cobra.Command) error {
	if err := o.check(c); err != nil {
		return err
	}
	if o.naive {
		return o.compare(c)
	}
	ctx, cl, m, err := o.begin(c, things)
	if err != nil {
		return err
	}
	w, err := o.work(cl)
	if err != nil {
		return err
	}
	r := loadReport{o: o, url: cl.base.Redacted(), work: w.what}
	if r.check.Before, err = w.stored(ctx); err != nil {
		return fmt.Errorf("load: %w", err)
	}
	r.result = o.plan(m, "requests").Run(ctx, w.call)
	m.end()
	if r.check.After, err = w.stored(context.WithoutCancel(ctx)); err != nil { // also after Ctrl-C
		err = fmt.Errorf("load: what is stored cannot be read: %w", err)
	}
	r.check.Acknowledged, r.check.Attempted, r.check.Numbers = r.result.Done, r.result.Attempted, w.numbers
	r.checked = w.checked && err == nil
	return errors.Join(r.print(c), err, r.verdict(ctx))
}

// longestReserve leaves an hour of the day that a reservation is held for the last requests.
const longestReserve = 23 * time.Hour

// check refuses what does not go together.
func (o *loadOptions) check(c *cobra.Command) error {
	given := c.Flags().Changed
	switch {
	case o.connections < 1 || o.connections > 10_000:
		return fmt.Errorf("--connections: %d is not 1 to 10,000", o.connections)
	case o.rate < 0 || o.rate > 1e6:
		return fmt.Errorf("--rate: %v is not 0 to 1,000,000 a second", o.rate)
	case o.requests < 0 || given("requests") && o.requests == 0:
		return fmt.Errorf("--requests: %d is not 1 or more", o.requests)
	case given("requests") && given("duration"):
		return errors.New("give --requests or --duration, not both")
	case o.duration <= 0:
		return fmt.Errorf("--duration: %v is not a time such as 10s", o.duration)
	case o.kind == "reserve" && o.sku == "":
		return errors.New("reserve: say which item with --sku, of which there is enough")
	case o.kind == "reserve" && o.duration > longestReserve:
		return fmt.Errorf("--duration: %v is over %v, and what is reserved expires after a day, before it could be compared", o.duration, longestReserve)
	case o.naive && o.kind != "visits":
		return fmt.Errorf("--compare-naive counts visits, it does not %s", o.kind)
	case given("store") && !o.naive:
		return errors.New("--store goes with --compare-naive; a server that runs is named by --url")
	}
	return nil
}

// plan is what is asked for; the meter says how far it is.
func (o *loadOptions) plan(m meter, things string) load.Plan {
	p := load.Plan{Callers: o.connections, Rate: o.rate, Length: o.duration, Requests: o.requests}
	if o.requests > 0 {
		p.Length = 0
	}
	p.Progress = func(ended int64, passed time.Duration) {
		text := fmt.Sprintf("%s %s, %s/s", grouped(ended), things, grouped(int64(float64(ended)/passed.Seconds())))
		if o.requests > 0 {
			m.at(ended, int64(o.requests), text)
		} else {
			m.at(int64(passed), int64(o.duration), text)
		}
	}
	return p
}
