package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// meter says how far a command has come. It is not for several goroutines.
type meter interface {
	// at says that done of total is done, in words too; a total below 1 is not known.
	at(done, total int64, text string)
	// note says what is not progress.
	note(text string)
	// end leaves the terminal as it was.
	end()
}

// unit is what a meter counts.
type unit bool

const (
	things     unit = false
	bytesOfAll unit = true
)

// newMeter is a bar where a person looks, and lines elsewhere. Both are on stderr.
func newMeter(c *cobra.Command, quiet bool, u unit) meter {
	out := c.ErrOrStderr()
	file, _ := out.(*os.File)
	switch {
	case quiet:
		return silence{}
	case file != nil && term.IsTerminal(int(file.Fd())):
		return &bar{out: out, unit: u, now: time.Now}
	}
	return newLines(out, time.Now)
}

// silence says nothing.
type silence struct{}

func (silence) at(int64, int64, string) {}
func (silence) note(string)             {}
func (silence) end()                    {}

// lineEvery is how often lines says something.
const lineEvery = 5 * time.Second

// lines is for a log: a line now and then, the first one not at once.
type lines struct {
	out  io.Writer
	now  func() time.Time
	last time.Time
}

func newLines(out io.Writer, now func() time.Time) *lines { return &lines{out, now, now()} }

func (l *lines) at(_, _ int64, text string) {
	if now := l.now(); now.Sub(l.last) >= lineEvery {
		l.last = now
		l.note(text)
	}
}

func (l *lines) note(text string) { fmt.Fprintln(l.out, text) }
func (*lines) end()               {}

// barEvery is how often a bar is drawn. The library would draw the text and not what
// it is about.
const barEvery = 100 * time.Millisecond

// bar is for a terminal.
type bar struct {
	out  io.Writer
	unit unit
	now  func() time.Time
	last time.Time
	bar  *progressbar.ProgressBar // nil before the first at
}

func (b *bar) at(done, total int64, text string) {
	now := b.now()
	if now.Sub(b.last) < barEvery {
		return
	}
	b.last = now
	if total < 1 {
		total = -1 // a spinner
	}
	if b.bar == nil || b.bar.IsFinished() { // a second pass is another bar
		options := []progressbar.Option{
			progressbar.OptionSetWriter(b.out), progressbar.OptionSetWidth(30), progressbar.OptionClearOnFinish(),
			progressbar.OptionSetDescription(text),
			progressbar.OptionSetSpinnerChangeInterval(0), // it would draw by itself, beside what is written here
		}
		if b.unit == bytesOfAll {
			options = append(options, progressbar.OptionShowBytes(true), progressbar.OptionShowCount())
		}
		b.bar = progressbar.NewOptions64(total, options...)
	}
	if total > 0 {
		done = min(done, total)
	}
	_ = b.bar.Set64(done) // a terminal that is gone is no fault of the work
	b.bar.Describe(text)
}

func (b *bar) note(text string) {
	if b.bar != nil {
		_ = b.bar.Clear()
	}
	fmt.Fprintln(b.out, text)
}

func (b *bar) end() {
	if b.bar != nil {
		_ = b.bar.Exit()
		_ = b.bar.Clear()
	}
}

// grouped writes a number as people read it: 12,000.
func grouped[N int | int64](n N) string {
	digits := strconv.FormatInt(int64(n), 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// counted writes how many things there are.
func counted[N int | int64](n N, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return grouped(n) + " " + thing + "s"
}
