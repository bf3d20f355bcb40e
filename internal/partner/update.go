package partner

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/tallystick/tallystick/internal/inventory"
)

// MaxUpdateLines is how many lines an update may have.
const MaxUpdateLines = inventory.MaxLines

// maxAhead is how far an update's own timestamp may be ahead.
const maxAhead = 24 * time.Hour

// ErrForbidden is an update that is not the partner's to send.
var ErrForbidden = errors.New("not allowed to this partner")

func forbidden(format string, args ...any) error {
	return fmt.Errorf("%w: %s: ask the shop to allow it", ErrForbidden, fmt.Sprintf(format, args...))
}

// The types of updates.
const (
	StockAdjusted   = "stock.adjusted"
	StockCounted    = "stock.counted"
	DeliveryUpdated = "delivery.updated"
)

// update is what a partner says, and asks for: one of adjust, count and deliveries.
type update struct {
	kind string
	time time.Time // the partner's own

	adjust     *inventory.Adjustment
	count      *inventory.Count
	deliveries []news
}

// body is an update as it is written. Its data is one line, or has lines.
type body struct {
	Type      string         `json:"type"`
	Timestamp jsontext.Value `json:"timestamp"`
	Data      jsontext.Value `json:"data"`
}

// stockData is the data of updates of stock. What cannot be left out is a pointer, so
// that it is missed.
type stockData struct {
	Lines []stockLine `json:"lines"`
	stockLine
	Reason    string `json:"reason"`
	Reference string `json:"reference"`
}

type stockLine struct {
	SKU      string `json:"sku"`
	Delta    *int64 `json:"delta"`
	Quantity *int64 `json:"quantity"`
	Expected *int64 `json:"expected"`
}

type deliveryData struct {
	Lines []deliveryLine `json:"lines"`
	deliveryLine
}

type deliveryLine struct {
	ID     string `json:"id"`
	Status string `json:"status"`
	Order  string `json:"order"`
	Note   string `json:"note"`
}

// parseUpdate reads a body that is JSON.
func parseUpdate(data []byte, now time.Time) (*update, error) {
	var b body
	if err := decodeStrictly(data, &b, ""); err != nil {
		return nil, err
	}
	read := map[string]func(*update, jsontext.Value) error{
		StockAdjusted: (*update).readStock, StockCounted: (*update).readStock, DeliveryUpdated: (*update).readDeliveries,
	}[b.Type]
	if read == nil {
		return nil, invalid("/type", "it is one of %s", strings.Join(updateTypes, ", "))
	}
	u := &update{kind: b.Type}
	var err error
	if u.time, err = parseTime(b.Timestamp); err != nil {
		return nil, invalid("/timestamp", "it is a time such as 2026-11-21T12:00:00Z")
	}
	if u.time.After(now.Add(maxAhead)) { // as a delivery's latest news it would hide all that follows
		return nil, invalid("/timestamp", "it is over a day ahead of the time it is here: give the time when it happened, in UTC or with its zone")
	}
	return u, read(u, b.Data)
}

// parseTime takes RFC 3339 only, which is stricter than what time.Parse takes, and no time
// whose year has not four digits in UTC: it could not be written again.
func parseTime(text jsontext.Value) (t time.Time, err error) {
	if text.Kind() != '"' {
		return t, errors.New("not a string")
	}
	if err = json.Unmarshal(text, &t); err != nil {
		return t, err
	}
	t = t.UTC()
	_, err = t.MarshalText()
	return t, err
}

func (u *update) readStock(data jsontext.Value) error {
	var d stockData
	if err := decodeStrictly(data, &d, "/data"); err != nil {
		return err
	}
	lines, places, err := linesOf(d.Lines, d.stockLine)
	if err != nil {
		return err
	}
	if err := cmp.Or(checkText("/data/reason", d.Reason, inventory.MaxReason), checkText("/data/reference", d.Reference, inventory.MaxReference)); err != nil {
		return err
	}
	if u.kind == StockAdjusted {
		u.adjust = &inventory.Adjustment{Reason: d.Reason, Reference: d.Reference}
	} else {
		u.count = &inventory.Count{Reason: d.Reason, Reference: d.Reference}
	}
	for i, l := range lines {
		if err := l.check(u.kind, places[i]); err != nil {
			return err
		}
		if u.adjust != nil {
			u.adjust.Lines = append(u.adjust.Lines, inventory.Line{SKU: l.SKU, Quantity: *l.Delta})
			continue
		}
		if counts(u.count.Lines, l.SKU) {
			return invalid(places[i]+"/sku", "%s is counted twice", l.SKU)
		}
		u.count.Lines = append(u.count.Lines, inventory.CountLine{SKU: l.SKU, Quantity: *l.Quantity, Expected: l.Expected})
	}
	return nil
}

func counts(lines []inventory.CountLine, sku string) bool {
	return slices.ContainsFunc(lines, func(l inventory.CountLine) bool { return l.SKU == sku })
}

func (l stockLine) check(kind, where string) error {
	switch err := inventory.CheckSKU(l.SKU); {
	case l.SKU == "":
		return invalid(where+"/sku", "it is missing")
	case err != nil:
		return invalid(where+"/sku", "%s", strings.TrimPrefix(err.Error(), inventory.ErrSKU.Error()+" "))
	}
	counted := kind == StockCounted
	for _, f := range []struct {
		name            string
		value           *int64
		least           int64
		needed, foreign bool
	}{
		{"delta", l.Delta, -inventory.MaxQuantity, !counted, counted},
		{"quantity", l.Quantity, 0, counted, !counted},
		{"expected", l.Expected, -inventory.MaxQuantity, false, !counted},
	} {
		switch {
		case f.value == nil && f.needed:
			return invalid(where+"/"+f.name, "it is missing")
		case f.value == nil:
		case f.foreign:
			return invalid(where+"/"+f.name, "%s has no such field", kind)
		case *f.value < f.least || *f.value > inventory.MaxQuantity:
			return invalid(where+"/"+f.name, "it is %d to %d", f.least, int64(inventory.MaxQuantity))
		}
	}
	if !counted && *l.Delta == 0 {
		return invalid(where+"/delta", "0 changes nothing")
	}
	return nil
}

func (u *update) readDeliveries(data jsontext.Value) error {
	var d deliveryData
	if err := decodeStrictly(data, &d, "/data"); err != nil {
		return err
	}
	lines, places, err := linesOf(d.Lines, d.deliveryLine)
	if err != nil {
		return err
	}
	for i, l := range lines {
		n := news(l)
		if err := n.check(places[i]); err != nil {
			return err
		}
		u.deliveries = append(u.deliveries, n)
	}
	return nil
}

// linesOf returns the lines of data, or the data itself as the only one, and their
// places.
func linesOf[L comparable](lines []L, single L) (all []L, places []string, err error) {
	if lines == nil {
		return []L{single}, []string{"/data"}, nil
	}
	if single != *new(L) {
		return nil, nil, invalid("/data", "it has lines, or the fields of a single one, not both")
	}
	if len(lines) == 0 || len(lines) > MaxUpdateLines {
		return nil, nil, invalid("/data/lines", "there are 1 to %d, not %d", MaxUpdateLines, len(lines))
	}
	for i := range lines {
		places = append(places, fmt.Sprintf("/data/lines/%d", i))
	}
	return lines, places, nil
}

// mayDo says whether an update is the partner's to send.
func (p *Partner) mayDo(u *update) error {
	if !p.MaySend(u.kind) {
		return forbidden("updates of the type %s", u.kind)
	}
	for _, sku := range u.skus() {
		if !p.MayTouch(sku) {
			return forbidden("the stock of %s", sku)
		}
	}
	return nil
}

func (u *update) skus() (skus []string) {
	if u.adjust != nil {
		for _, l := range u.adjust.Lines {
			skus = append(skus, l.SKU)
		}
	}
	if u.count != nil {
		for _, l := range u.count.Lines {
			skus = append(skus, l.SKU)
		}
	}
	return skus
}
