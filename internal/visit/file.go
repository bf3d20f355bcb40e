package visit

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
)

// ErrFile is an import file with more bad rows than are allowed, or one that is
// none of the known formats.
var ErrFile = errors.New("bad import file")

// maxFilePages is how many pages a file may hold: they are in memory together.
const maxFilePages = 250_000

// maxRowErrors is how many bad rows a File names.
const maxRowErrors = 100

// File is what an import file holds.
type File struct {
	Views   []View     // one for each page, in the order of names
	Rows    int        // rows read, bad ones too
	Skipped int        // rows that are no visits to pages: GoatCounter's events and bots
	Bad     int        // rows that could not be read
	Errors  []RowError // of the bad rows, the first maxRowErrors
}

// RowError says what is wrong with a row.
type RowError struct {
	Line   int    // 1 is the file's first
	Field  string // its name, or empty where it is the row as a whole
	Reason string
}

// ParseFile reads an import file: NDJSON or CSV as WriteNDJSON and WriteCSV write
// them, or GoatCounter's CSV export. Which it is shows in its first bytes. Rows of
// one page add up. A bad row is left out and named in the File; with more than
// maxBad of them, the error is ErrFile and the File tells why. Days after today
// are bad. GoatCounter keeps links from page to page of a site as it does all others: of
// own, which is the site's host, no referrer is taken over.
func ParseFile(r io.Reader, today Day, maxBad int, own string) (*File, error) {
	if own != "" && referrerHost(own) == "" {
		return nil, fmt.Errorf("%w: the site %q is no public host, as browsers write it: shop.example, or xn--… of one with other letters", ErrFile, own)
	}
	p := &parser{today: today, own: own, pages: make(map[Page]*pageRows)}
	in := bufio.NewReaderSize(r, 64<<10)
	if err := p.read(in); err != nil {
		return nil, err
	}
	if p.tooMany {
		return nil, fmt.Errorf("%w: it has over %d pages; import it in parts", ErrFile, maxFilePages)
	}
	if p.file.Bad > maxBad {
		return &p.file, fmt.Errorf("%w: %d of %d rows are bad, %d allowed", ErrFile, p.file.Bad, p.file.Rows, maxBad)
	}
	p.file.Views = p.views()
	return &p.file, nil
}

type parser struct {
	today Day
	own   string
	file  File
	pages map[Page]*pageRows

	tooMany bool // pages
}

// pageRows is what the rows of one page add up to.
type pageRows struct {
	undated Tally
	days    map[Day]Tally
	from    map[Day]origins
}

func (p *parser) read(in *bufio.Reader) error {
	if bom, _ := in.Peek(3); bytes.Equal(bom, []byte("\xef\xbb\xbf")) {
		in.Discard(3)
	}
	start, err := in.Peek(2)
	switch {
	case len(start) == 0 && err == io.EOF:
		return nil
	case len(start) == 0:
		return readError(err)
	case bytes.HasPrefix(start, []byte{0x1f, 0x8b}):
		return fmt.Errorf("%w: it is compressed; unpack it first (gunzip)", ErrFile)
	case start[0] == '{':
		return p.readNDJSON(in)
	default:
		return p.readCSV(in)
	}
}

// readError keeps the cause: a body over its limit, a connection that broke.
func readError(err error) error { return fmt.Errorf("visit: read import: %w", err) }

func (p *parser) bad(line int, field, reason string) {
	p.file.Bad++
	if len(p.file.Errors) < maxRowErrors {
		p.file.Errors = append(p.file.Errors, RowError{line, field, reason})
	}
}

// add adds a tally to a page: on a day, or, where day is nil, beyond its days.
func (p *parser) add(page Page, day *Day, t Tally) {
	rows := p.pages[page]
	if rows == nil {
		if p.tooMany = p.tooMany || len(p.pages) == maxFilePages; p.tooMany {
			return
		}
		rows = new(pageRows)
		p.pages[page] = rows
	}
	if day == nil {
		rows.undated = rows.undated.plus(t)
		return
	}
	if rows.days == nil {
		rows.days = make(map[Day]Tally)
	}
	rows.days[*day] = rows.days[*day].plus(t)
}

// refer adds what brought visits of a day, which add has added.
func (p *parser) refer(page Page, day Day, more origins) {
	rows := p.pages[page]
	if rows == nil || len(more) == 0 {
		return
	}
	if rows.from == nil {
		rows.from = make(map[Day]origins)
	}
	if rows.from[day] == nil {
		rows.from[day] = make(origins)
	}
	for from, visits := range more {
		rows.from[day].add(from, visits)
	}
}

// page reads the page of a row, which names one.
func (p *parser) page(s string) (Page, string) {
	page, err := ParsePage(s)
	switch {
	case err != nil:
		return "", err.Error()
	case s == "":
		return "", "it is missing"
	}
	return page, ""
}

// day reads a day of a row, and says why it cannot be one.
func (p *parser) day(s string) (Day, string) {
	d, err := ParseDay(s)
	switch {
	case err != nil:
		return 0, err.Error()
	case d > p.today:
		return 0, fmt.Sprintf("%v is after today, %v (UTC): if a clock was ahead, take that day out", d, p.today)
	}
	return d, ""
}

func (p *parser) views() []View {
	views := make([]View, 0, len(p.pages))
	for page, rows := range p.pages {
		v := View{Page: page, Days: make([]DayTally, 0, len(rows.days))}
		for day, t := range rows.days {
			v.Days = append(v.Days, DayTally{day, t})
		}
		v.Referrals = listed(rows.from)
		v.Tally = rows.undated.plus(sum(v.Days)).max(Tally{})
		slices.SortFunc(v.Days, func(a, b DayTally) int { return cmp.Compare(a.Day, b.Day) })
		views = append(views, v)
	}
	slices.SortFunc(views, func(a, b View) int { return cmp.Compare(a.Page, b.Page) })
	return views
}
