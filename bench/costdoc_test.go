package bench

import (
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestCostsAreWhatPricesAndFiguresMake recomputes every sum of money in docs/cost.md from
// the prices and figures that stand there, so that nobody changes the one and forgets the
// other.
func TestCostsAreWhatPricesAndFiguresMake(t *testing.T) {
	d := readCostDoc(t)
	for _, section := range []string{"On the emulator", "With commits 30 ms slower"} {
		for _, row := range d.tables[section] {
			d.check(t, section, row, "$", d.thousand(row), 4)
		}
	}
	for _, row := range d.tables["A month"] {
		visits, rush := number(t, row, "visits a day"), row["spread"] == "rush hour"
		ours, alone := d.month(visits, rush, merged), d.month(visits, rush, aTransactionEach)
		for column, want := range map[string]float64{
			"entities": ours.entities, "instances": ours.instances, "requests": ours.requests, "gateway": ours.gateway,
			"logs": ours.logs, "data out": ours.out, "all": ours.all(), "a transaction each": alone.all(),
			"e2-micro": d.machine("e2-micro", visits), "e2-small": d.machine("e2-small", visits),
		} {
			d.check(t, "A month", row, column, want, 2)
		}
	}
	for _, row := range d.tables["What leaves the free tier first"] {
		d.check(t, "What leaves the free tier first", row, "visits a day", d.leaving(t, row["what"]), 0)
	}
	for _, row := range d.tables["Where a machine costs less"] {
		d.check(t, "Where a machine costs less", row, "visits a day", d.overtaking(row["machine"]), 0)
	}
}

// The document's assumptions. Its text names each.
const (
	days          = 30   // of a month
	hours         = 730  // of a month, for what is priced by the hour
	salesADay     = 1000 // reservations that are committed
	scripts       = 0.5  // requests for count.js for each visit
	memory        = 0.25 // GiB of an instance
	rushShare     = 0.5  // of a day's visits that come in its rush hour
	assumedLog    = 2048 // bytes that Google logs of a request, besides our line
	machineDisk   = 10   // GiB
	gib           = 1 << 30
	secondsOfADay = 86400
)

// costDoc is docs/cost.md.
type costDoc struct {
	tables map[string][]map[string]string // by heading; a row by column
}

// whole is the column, of none, in which a row has all its text.
const whole = ""

func readCostDoc(t *testing.T) *costDoc {
	t.Helper()
	text, err := os.ReadFile("../docs/cost.md")
	if err != nil {
		t.Fatal(err)
	}
	d := &costDoc{make(map[string][]map[string]string)}
	heading, columns := "", []string(nil)
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "#"):
			heading, columns = strings.TrimLeft(line, "# "), nil
		case !strings.HasPrefix(line, "|"):
			columns = nil
		case columns == nil:
			columns = cells(line)
		case !strings.HasPrefix(line, "|---"):
			row := map[string]string{whole: line}
			for i, cell := range cells(line) {
				row[columns[i]] = cell
			}
			d.tables[heading] = append(d.tables[heading], row)
		}
	}
	for heading, rows := range map[string]int{
		"Prices": 13, "On the emulator": 20, "With commits 30 ms slower": 10, "A month": 8, "What leaves the free tier first": 7, "Where a machine costs less": 2,
	} {
		if len(d.tables[heading]) < rows {
			t.Fatalf("docs/cost.md has %d rows below %q, want its table", len(d.tables[heading]), heading)
		}
	}
	return d
}

func cells(line string) []string {
	all := strings.Split(strings.Trim(line, "|"), "|")
	for i := range all {
		all[i] = strings.Trim(all[i], " *")
	}
	return all
}

var digits = regexp.MustCompile(`^[\d,.]+`)

// value is the number that a cell begins with, 0 if it has none.
func value(cell string) float64 {
	v, _ := strconv.ParseFloat(strings.ReplaceAll(digits.FindString(cell), ",", ""), 64)
	return v
}

func number(t *testing.T, row map[string]string, column string) float64 {
	t.Helper()
	if !digits.MatchString(row[column]) {
		t.Fatalf("docs/cost.md: no number below %q in\n%s", column, row[whole])
	}
	return value(row[column])
}

// check compares a cell with what it has to be, to so many decimals.
func (d *costDoc) check(t *testing.T, section string, row map[string]string, column string, want float64, decimals int) {
	t.Helper()
	got := number(t, row, column)
	if math.Abs(got-want) > 0.501*math.Pow10(-decimals) {
		t.Errorf("docs/cost.md, %s: %q is %v, want %.*f, in\n%s", section, column, got, decimals, want, row[whole])
	}
}

// price is that of one unit, and what is free of it.
func (d *costDoc) price(what string) (one, free float64) {
	row := find(d.tables["Prices"], "what", what)
	return value(row["$"]) / max(1, value(row["for"])), value(row["free"])
}

// bill is what so much costs beyond what is free.
func (d *costDoc) bill(what string, amount float64) float64 {
	one, free := d.price(what)
	return one * max(0, amount-free)
}

// figures are those of 1,000 at the fastest measured rate that is not above so many a
// second, else at the slowest. Those with commits that are slower come first, for in the
// cloud they are.
func (d *costDoc) figures(work string, perSecond float64) map[string]string {
	for _, section := range []string{"With commits 30 ms slower", "On the emulator"} {
		for _, rate := range []string{"100", "10", "1"} {
			if value(rate) > max(1, perSecond) {
				continue
			}
			for _, row := range d.tables[section] {
				if row["work"] == work && row["a second"] == rate {
					return row
				}
			}
		}
	}
	panic("docs/cost.md has no figures of " + work)
}

// thousand is what 1,000 cost by the price list, nothing being free.
func (d *costDoc) thousand(row map[string]string) float64 {
	cost := func(what string, amount float64) float64 {
		one, _ := d.price(what)
		return one * amount
	}
	requests, seconds := value(row["requests"]), value(row["instance s"])
	return cost("entity reads", value(row["reads"])) + cost("entity writes", value(row["writes"])) +
		cost("CPU of an instance", seconds) + cost("memory of an instance", seconds*memory) +
		cost("requests", requests) + cost("gateway calls", requests) +
		cost("logs", requests*(value(row["log B"])+assumedLog)/gib) + cost("data out of the gateway", requests*value(row["reply B"])/gib)
}

func find(rows []map[string]string, column, cell string) map[string]string {
	for _, row := range rows {
		if row[column] == cell {
			return row
		}
	}
	panic("docs/cost.md has no row " + cell)
}
