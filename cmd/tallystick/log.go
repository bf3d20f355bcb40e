package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"strconv"
	"time"

	"github.com/lmittmann/tint"
	"golang.org/x/term"

	"github.com/tallystick/tallystick/internal/edge"
)

// logTo makes f the log of this process, in lines for people. They are coloured on a
// terminal, unless NO_COLOR is set (https://no-color.org).
func logTo(f *os.File, level slog.Leveler) {
	colour := term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == ""
	slog.SetDefault(slog.New(newReadable(f, level, colour)))
}

// readable shows a request as its message, how long it took, and those figures that tell
// something.
type readable struct{ slog.Handler }

func newReadable(w io.Writer, level slog.Leveler, colour bool) slog.Handler {
	return readable{tint.NewTextHandler(w, &tint.Options{Level: level, TimeFormat: time.TimeOnly, NoColor: !colour})}
}

func (h readable) Handle(ctx context.Context, r slog.Record) error {
	out := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		line, ok := edge.LineOf(a)
		if !ok {
			out.AddAttrs(a)
			return true
		}
		out.Message += " " + short(line.Latency)
		for name, n := range line.Figures() {
			if n > 0 {
				out.AddAttrs(slog.Int64(name, n))
			}
		}
		out.AddAttrs(slog.String("function", line.Function))
		if line.Code != "" {
			out.AddAttrs(slog.String("code", line.Code))
		}
		return true
	})
	return h.Handler.Handle(ctx, out)
}

// short is a latency to a tenth of its unit.
func short(d time.Duration) string {
	value, unit := d.Seconds(), "s"
	switch {
	case d < time.Millisecond:
		value, unit = value*1e6, "µs"
	case d < time.Second:
		value, unit = value*1e3, "ms"
	}
	return strconv.FormatFloat(value, 'f', 1, 64) + unit
}

func (h readable) WithAttrs(attrs []slog.Attr) slog.Handler {
	return readable{h.Handler.WithAttrs(attrs)}
}
func (h readable) WithGroup(name string) slog.Handler { return readable{h.Handler.WithGroup(name)} }
