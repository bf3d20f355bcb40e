package partner

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/tallystick/tallystick/internal/inventory"
	"github.com/tallystick/tallystick/internal/strictjson"
)

// MaxUpdateLines is how many lines an update may have.
const MaxUpdateLines = inventory.MaxLines

var (
	// ErrMalformed is a body that is no JSON, or none that strictjson takes.
	ErrMalformed = errors.New("malformed")

	// ErrInvalid is an InvalidError.
	ErrInvalid = errors.New("invalid update")

	// ErrForbidden is an update that is not the partner's to send.
	ErrForbidden = errors.New("not allowed to this partner")
)

// InvalidError says what is wrong with an update, and where: a JSON pointer.
type InvalidError struct{ Pointer, Reason string }

func (e *InvalidError) Error() string {
	return strings.TrimPrefix(e.Pointer+": ", ": ") + e.Reason
}

// Is makes it an ErrInvalid.
func (e *InvalidError) Is(target error) bool { return target == ErrInvalid }

func invalid(pointer, format string, args ...any) error {
	return &InvalidError{pointer, fmt.Sprintf(format, args...)}
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
	deliveries []deliveryLine
}

// body is an update as it is written. Its data is one line, or has lines.
type body struct {
	Type      string         `json:"type"`
	Timestamp string         `json:"timestamp"`
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

// deliveryLine is the news of a delivery.
type deliveryLine struct {
	ID     string `json:"id"`
	Status string `json:"status"`
	Order  string `json:"order"`
	Note   string `json:"note"`
}

// parseUpdate reads a body that is JSON.
func parseUpdate(data []byte) (*update, error) {
	var b body
	if err := decodeStrictly(data, &b, ""); err != nil {
		return nil, err
	}
	u := &update{kind: b.Type}
	var err error
	if u.time, err = time.Parse(time.RFC3339, b.Timestamp); err != nil {
		return nil, invalid("/timestamp", "it is a time such as 2026-11-21T12:00:00Z")
	}
	switch b.Type {
	case StockAdjusted, StockCounted:
		err = u.readStock(b.Data)
	case DeliveryUpdated:
		err = u.readDeliveries(b.Data)
	default:
		err = invalid("/type", "it is one of %s", strings.Join(updateTypes, ", "))
	}
	return u, err
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
	adjust := &inventory.Adjustment{Reason: d.Reason, Reference: d.Reference}
	count := &inventory.Count{Reason: d.Reason, Reference: d.Reference}
	for i, l := range lines {
		if err := l.check(u.kind, places[i]); err != nil {
			return err
		}
		if u.kind == StockAdjusted {
			adjust.Lines = append(adjust.Lines, inventory.Line{SKU: l.SKU, Quantity: *l.Delta})
		} else {
			count.Lines = append(count.Lines, inventory.CountLine{SKU: l.SKU, Quantity: *l.Quantity, Expected: l.Expected})
		}
	}
	if u.kind == StockAdjusted {
		u.adjust = adjust
	} else {
		u.count = count
	}
	return nil
}

func (l stockLine) check(kind, where string) error {
	outside := func(n *int64, least int64) bool {
		return n != nil && (*n < least || *n > inventory.MaxQuantity)
	}
	const bounds = "it is %d to %d"
	switch {
	case l.SKU == "":
		return invalid(where+"/sku", "it is missing")
	case inventory.CheckSKU(l.SKU) != nil:
		return invalid(where+"/sku", "%v", inventory.CheckSKU(l.SKU))
	case kind == StockAdjusted && (l.Quantity != nil || l.Expected != nil):
		return invalid(where, "%s has a delta, and neither quantity nor expected", kind)
	case kind == StockAdjusted && (l.Delta == nil || *l.Delta == 0):
		return invalid(where+"/delta", "it is missing, or 0, which changes nothing")
	case kind == StockCounted && l.Delta != nil:
		return invalid(where, "%s has a quantity, and no delta", kind)
	case kind == StockCounted && l.Quantity == nil:
		return invalid(where+"/quantity", "it is missing")
	case outside(l.Delta, -inventory.MaxQuantity):
		return invalid(where+"/delta", bounds, int64(-inventory.MaxQuantity), int64(inventory.MaxQuantity))
	case outside(l.Quantity, 0):
		return invalid(where+"/quantity", bounds, 0, int64(inventory.MaxQuantity))
	case outside(l.Expected, -inventory.MaxQuantity):
		return invalid(where+"/expected", bounds, int64(-inventory.MaxQuantity), int64(inventory.MaxQuantity))
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
		if err := l.check(places[i]); err != nil {
			return err
		}
	}
	u.deliveries = lines
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
		return fmt.Errorf("%w: updates of the type %s", ErrForbidden, u.kind)
	}
	for _, sku := range u.skus() {
		if !p.MayTouch(sku) {
			return fmt.Errorf("%w: the stock of %s", ErrForbidden, sku)
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

// checkJSON holds a body to strict JSON.
func checkJSON(data []byte) error {
	if err := strictjson.Check(data); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return nil
}

// decodeStrictly reads an object that has no other fields than v, in their exact case,
// and numbers that are written as integers.
func decodeStrictly(data []byte, v any, where string) error {
	err := json.Unmarshal(data, v, json.RejectUnknownMembers(true))
	var wrong *json.SemanticError
	switch {
	case err == nil:
		return nil
	case len(data) == 0:
		return invalid(where, "it is missing")
	case !errors.As(err, &wrong):
		return invalid(where, "%v", err)
	case errors.Is(err, json.ErrUnknownName):
		return invalid(where+string(wrong.JSONPointer), "there is no such field")
	}
	return invalid(where+string(wrong.JSONPointer), "it has to be %s", wanted(wrong.GoType))
}

func wanted(t reflect.Type) string {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == nil:
		return "something else"
	case t.Kind() == reflect.Int64:
		return "an integer, without point or exponent"
	}
	return shapes[t.Kind()]
}
