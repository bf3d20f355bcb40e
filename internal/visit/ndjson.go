package visit

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"math"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// ndjsonRow is one line of NDJSON: a page with its history. visits may be more, or
// less, than the days add up to: what they leave over has no day.
type ndjsonRow struct {
	Page    string      `json:"page"`
	Visits  int64       `json:"visits"`
	Uniques int64       `json:"uniques"`
	Days    []ndjsonDay `json:"days,omitempty"`
}

type ndjsonDay struct {
	Day            string           `json:"day"`
	Visits         int64            `json:"visits"`
	Uniques        int64            `json:"uniques"`
	Referrers      map[string]int64 `json:"referrers,omitempty"`
	OtherReferrers int64            `json:"otherReferrers,omitzero"`
	Sources        map[string]int64 `json:"sources,omitempty"`
	OtherSources   int64            `json:"otherSources,omitzero"`
}

// WriteNDJSON writes a line for each page.
func WriteNDJSON(w io.Writer, views iter.Seq2[View, error]) error {
	for v, err := range views {
		if err != nil {
			return err
		}
		row := ndjsonRow{Page: string(v.Page), Visits: v.Visits, Uniques: v.Uniques}
		for _, d := range v.Days {
			row.Days = append(row.Days, ndjsonDay{Day: d.Day.String(), Visits: d.Visits, Uniques: d.Uniques})
		}
		row.refer(v)
		if err := json.MarshalWrite(w, row, json.Deterministic(true)); err != nil {
			return err
		}
		if _, err := io.WriteString(w, "\n"); err != nil {
			return err
		}
	}
	return nil
}

// refer writes beside the days of a view what brought their visits.
func (row ndjsonRow) refer(v View) {
	for _, r := range v.Referrals {
		i, found := slices.BinarySearchFunc(v.Days, r.Day, func(d DayTally, day Day) int { return int(d.Day - day) })
		if !found {
			continue // older than the history
		}
		d := &row.Days[i]
		d.OtherReferrers, d.OtherSources = r.Referrers[""], r.Sources[""]
		d.Referrers, d.Sources = named(r.Referrers), named(r.Sources)
	}
}

func named(names map[string]int64) map[string]int64 {
	names = maps.Clone(names)
	delete(names, "")
	return names
}

// maxLine is more than a page takes that has a full history and its referrers, be it spread
// over several entities.
const maxLine = 8 << 20

func (p *parser) readNDJSON(in *bufio.Reader) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	n := 0
	for lines.Scan() {
		n++
		if line := bytes.TrimSpace(lines.Bytes()); len(line) > 0 {
			p.file.Rows++
			p.ndjsonLine(n, line)
		}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return fmt.Errorf("%w: line %d has over %d bytes", ErrFile, n+1, maxLine)
	} else if err != nil {
		return readError(err)
	}
	return nil
}

func (p *parser) ndjsonLine(n int, line []byte) {
	row := ndjsonRow{Visits: missing, Uniques: missing}
	if err := json.Unmarshal(line, &row, json.RejectUnknownMembers(true)); err != nil {
		field, reason := jsonFault(err)
		p.bad(n, field, reason)
		return
	}
	page, reason := p.page(row.Page)
	if reason != "" {
		p.bad(n, "page", reason)
		return
	}
	if row.Visits == missing {
		p.bad(n, "visits", "they are missing")
		return
	}
	if row.Uniques == missing {
		row.Uniques = 0
		for _, d := range row.Days {
			row.Uniques += d.Uniques
		}
	}
	total := Tally{row.Visits, row.Uniques}
	if reason := checkTally(total); reason != "" {
		p.bad(n, "visits", reason)
		return
	}
	days := make([]DayTally, len(row.Days))
	from := make([]origins, len(row.Days))
	seen := make(map[Day]bool, len(row.Days))
	for i, d := range row.Days {
		field := fmt.Sprintf("days[%d]", i)
		day, reason := p.day(d.Day)
		if reason == "" {
			reason = checkTally(Tally{d.Visits, d.Uniques})
		}
		if reason == "" && seen[day] {
			reason = fmt.Sprintf("%v is there twice", day)
		}
		if reason == "" {
			from[i], reason = d.origins()
		}
		if reason != "" {
			p.bad(n, field, reason)
			return
		}
		seen[day] = true
		days[i] = DayTally{day, Tally{d.Visits, d.Uniques}}
	}
	for i, d := range days {
		p.add(page, &d.Day, d.Tally)
		p.refer(page, d.Day, from[i])
	}
	p.add(page, nil, total.minus(sum(days)))
}

// origins reads what brought the visits of a day, and says what cannot have.
func (d ndjsonDay) origins() (all origins, reason string) {
	all = make(origins)
	add := func(from origin, visits int64) {
		if r := checkTally(Tally{Visits: visits}); r != "" && reason == "" {
			reason = fmt.Sprintf("%d visits from %q: %s", visits, from.name, r)
		}
		if visits > 0 {
			all.add(from, visits)
		}
	}
	for name, visits := range d.Referrers {
		host := referrerHost(name)
		if host == "" {
			return nil, fmt.Sprintf("the referrer %q is no public host", name)
		}
		add(origin{name: host}, visits)
	}
	for name, visits := range d.Sources {
		source := sourceName(name)
		if source == "" {
			return nil, fmt.Sprintf("the source %q is not kept: it is empty, over %d bytes long, or has an @", name, maxReferralBytes)
		}
		add(origin{source: true, name: source}, visits)
	}
	add(origin{}, d.OtherReferrers)
	add(origin{source: true}, d.OtherSources)
	return all, reason
}

// missing stands for a number that a line has not: to take it for zero would take
// away what its days have. Visits must be there; uniques are then those of the days.
const missing = math.MinInt64

func checkTally(t Tally) string {
	if t.Visits < 0 || t.Visits > MaxVisits || t.Uniques < 0 || t.Uniques > MaxVisits {
		return fmt.Sprintf("visits and uniques are 0 to %d", int64(MaxVisits))
	}
	return ""
}

// jsonFault says where in a line the fault is, and what it is, without the Go types
// that the library names.
func jsonFault(err error) (field, reason string) {
	var syntax *jsontext.SyntacticError
	var semantic *json.SemanticError
	switch {
	case errors.As(err, &syntax):
		return string(syntax.JSONPointer), "not JSON: " + syntax.Err.Error()
	case errors.As(err, &semantic) && errors.Is(err, json.ErrUnknownName):
		return string(semantic.JSONPointer), "there is no such field"
	case errors.As(err, &semantic):
		return string(semantic.JSONPointer), fmt.Sprintf("a %v cannot stand here", semantic.JSONKind)
	}
	return "", "not JSON"
}
