package visit

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"
)

// csvHeader is the first row of our CSV. Each further row is a page's day; one
// without a day is what the page's total has beyond its days, which is negative
// where the total was set lower.
var csvHeader = []string{"page", "day", "visits", "uniques"}

// goatCounterHeader is the first row of GoatCounter's CSV export, version 2, which
// has a row for each hit.
var goatCounterHeader = []string{"2Path", "Title", "Event", "UserAgent", "Browser", "System", "Session",
	"Bot", "Referrer", "Referrer scheme", "Screen size", "Location", "FirstVisit", "Date"}

// Columns of a GoatCounter row.
const (
	goatPath       = 0
	goatEvent      = 2
	goatBot        = 7
	goatReferrer   = 8
	goatScheme     = 9
	goatFirstVisit = 12
	goatDate       = 13
)

// WriteCSV writes the header and the rows of each page.
func WriteCSV(w io.Writer, views iter.Seq2[View, error]) error {
	out := csv.NewWriter(w)
	out.Write(csvHeader)
	for v, err := range views {
		if err != nil {
			return err
		}
		rest := v.Tally.minus(sum(v.Days))
		if rest != (Tally{}) || len(v.Days) == 0 {
			writeCSVRow(out, v.Page, "", rest)
		}
		for _, d := range v.Days {
			writeCSVRow(out, v.Page, d.Day.String(), d.Tally)
		}
	}
	out.Flush()
	return out.Error()
}

func writeCSVRow(out *csv.Writer, p Page, day string, t Tally) {
	out.Write([]string{string(p), day, strconv.FormatInt(t.Visits, 10), strconv.FormatInt(t.Uniques, 10)})
}

func (p *parser) readCSV(in io.Reader) error {
	rows := csv.NewReader(in)
	rows.FieldsPerRecord = -1 // a row with too few is that row's fault
	rows.ReuseRecord = true
	header, err := rows.Read()
	var fault *csv.ParseError
	switch {
	case err == io.EOF: // nothing but empty lines
		return nil
	case err != nil && !errors.As(err, &fault):
		return readError(err)
	}
	var row func(line int, fields []string)
	columns := 0
	switch {
	case slices.Equal(header, csvHeader):
		row, columns = p.csvRow, len(csvHeader)
	case slices.Equal(header, goatCounterHeader):
		row, columns = p.goatCounterRow, len(goatCounterHeader)
	default:
		return fmt.Errorf("%w: it starts neither with a { (NDJSON), nor with the row %q, nor with that of GoatCounter's export, %q",
			ErrFile, strings.Join(csvHeader, ","), strings.Join(goatCounterHeader[:3], ",")+",…")
	}
	for {
		fields, err := rows.Read()
		switch {
		case err == io.EOF:
			return nil
		case errors.As(err, &fault):
			p.file.Rows++
			p.bad(fault.StartLine, "", csvFault(fault))
			continue
		case err != nil:
			return readError(err)
		}
		p.file.Rows++
		line, _ := rows.FieldPos(0)
		if len(fields) != columns {
			p.bad(line, "", fmt.Sprintf("it has %d fields instead of %d", len(fields), columns))
			continue
		}
		row(line, fields)
	}
}

// csvFault says what is not CSV, and how far it reaches: a quote that is not closed
// takes the lines after it along.
func csvFault(fault *csv.ParseError) string {
	reason := "not CSV: " + fault.Err.Error()
	if fault.Line > fault.StartLine {
		reason += fmt.Sprintf("; the row goes on to line %d", fault.Line)
	}
	return reason
}

func (p *parser) csvRow(line int, fields []string) {
	page, reason := p.page(fields[0])
	if reason != "" {
		p.bad(line, "page", reason)
		return
	}
	var t Tally
	for i, into := range []*int64{&t.Visits, &t.Uniques} {
		var err error
		if *into, err = strconv.ParseInt(fields[2+i], 10, 64); err != nil {
			p.bad(line, csvHeader[2+i], fmt.Sprintf("%q is not a number", fields[2+i]))
			return
		}
	}
	if fields[1] == "" {
		if t != t.plus(Tally{}) {
			p.bad(line, "visits", fmt.Sprintf("visits and uniques without a day are %d to %d", int64(-MaxVisits), int64(MaxVisits)))
			return
		}
		p.add(page, nil, t)
		return
	}
	if reason = checkTally(t); reason != "" {
		p.bad(line, "visits", reason)
		return
	}
	day, reason := p.day(fields[1])
	if reason != "" {
		p.bad(line, "day", reason)
		return
	}
	p.add(page, &day, t)
}

func (p *parser) goatCounterRow(line int, fields []string) {
	at, err := time.Parse(time.RFC3339, fields[goatDate])
	if err != nil {
		p.bad(line, "Date", fmt.Sprintf("%q is not a time such as 2026-11-21T10:00:00Z", fields[goatDate]))
		return
	}
	day := DayOf(at)
	if day > p.today {
		p.bad(line, "Date", fmt.Sprintf("%v is after today, %v (UTC)", day, p.today))
		return
	}
	var flags [2]bool
	for i, column := range [...]int{goatEvent, goatFirstVisit} {
		if flags[i], err = strconv.ParseBool(fields[column]); err != nil {
			p.bad(line, goatCounterHeader[column], fmt.Sprintf("%q is neither true nor false", fields[column]))
			return
		}
	}
	isEvent, isFirst := flags[0], flags[1]
	if isEvent || fields[goatBot] != "0" && fields[goatBot] != "" {
		p.file.Skipped++
		return
	}
	page, reason := p.page(fields[goatPath])
	if reason != "" {
		p.bad(line, "Path", reason)
		return
	}
	t := Tally{Visits: 1}
	if isFirst {
		t.Uniques = 1
	}
	p.add(page, &day, t)
	p.refer(page, day, p.goatCounterOrigin(fields[goatReferrer], fields[goatScheme]))
}

// goatCounterOrigin reads what GoatCounter keeps of a referrer: an address without its
// scheme (h), a campaign (c), or a name that it has for several hosts (g).
func (p *parser) goatCounterOrigin(name, scheme string) origins {
	var r Referral
	switch host := goatCounterGroups[name]; {
	case scheme == "h", host != "":
		r = ParseReferral(cmp.Or(host, name), "", p.own)
	case scheme == "c", scheme == "g":
		r = ParseReferral("", name, "")
	}
	all := make(origins)
	if r.Host != "" && !r.isSpam() {
		all.add(origin{name: r.Host}, 1)
	}
	if r.Source != "" {
		all.add(origin{source: true, name: r.Source}, 1)
	}
	return all
}

// goatCounterGroups are the hosts of names that GoatCounter has for sites; its other names
// are for kinds of them, such as Email and RSS.
// https://github.com/arp242/goatcounter/blob/main/ref.go
var goatCounterGroups = map[string]string{
	"Baidu": "baidu.com", "Google": "google.com", "Hacker News": "news.ycombinator.com", "Yahoo": "search.yahoo.com",
}
