package record_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/tallystick/tallystick/internal/record"
	"github.com/tallystick/tallystick/internal/record/transform"
	"github.com/tallystick/tallystick/internal/storage"
)

// This file compares the backends' answers with a plain evaluation over all records.
// The evaluation is written from what DESIGN.md and the settings promise, and calls
// nothing of the package's own.

// row is a record as the evaluation knows it.
type row struct {
	id      string
	fields  []field // top-level scalars of transformed, in their order
	created time.Time
	updated time.Time
}

type field struct {
	name  string
	value any // string, json.Number or bool
}

// scalarsOf reads the top-level scalars of a JSON object.
func scalarsOf(t tester, object []byte) (fields []field) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(object))
	d.UseNumber()
	if _, err := d.Token(); err != nil {
		t.Fatalf("%s: %v", object, err)
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			t.Fatalf("%s: %v", object, err)
		}
		var value any
		if err := d.Decode(&value); err != nil {
			t.Fatalf("%s: %v", object, err)
		}
		switch value.(type) {
		case string, json.Number, bool:
			fields = append(fields, field{name.(string), value})
		}
	}
	return fields
}

// world is a collection with all that an evaluation needs.
type world struct {
	name      string
	settings  record.Settings
	rows      []row
	types     map[string]map[record.Type]bool // that fields have had, where none are declared
	unindexed map[string]bool                 // fields that are not indexed in some record
}

const (
	longestText = storage.MaxIndexedBytes
	longestName = storage.MaxPropertyBytes - 2
	firstFields = 20
)

func askable(name string) bool { return len(name) <= longestName && !strings.Contains(name, "\x00") }

// natural is the type that a value has by itself.
func natural(v any) record.Type {
	switch v := v.(type) {
	case json.Number:
		return record.Number
	case bool:
		return record.Boolean
	case time.Time:
		return record.Time
	case string:
		if _, ok := asTime(v); ok {
			return record.Time
		}
	}
	return record.String
}

func asTime(v any) (time.Time, bool) {
	at, ok := v.(time.Time)
	if s, text := v.(string); text {
		at, ok = transform.Text(s).(time.Time)
	}
	at = at.UTC().Truncate(time.Microsecond)
	return at, ok && at.Year() >= 1 && at.Year() <= 9999
}

// typed is a value as one of a type.
func typed(v any, t record.Type) (any, bool) {
	switch t {
	case record.String:
		switch v := v.(type) {
		case string:
			return v, true
		case json.Number:
			return v.String(), true
		}
	case record.Number:
		if n, ok := v.(json.Number); ok {
			f, err := n.Float64()
			return f, err == nil && !math.IsInf(f, 0)
		}
	case record.Integer:
		if n, ok := v.(json.Number); ok {
			i, err := n.Int64()
			return i, err == nil
		}
	case record.Boolean:
		b, ok := v.(bool)
		return b, ok
	case record.Time:
		return asTime(v)
	}
	return nil, false
}

func compare(a, b any) int {
	switch a := a.(type) {
	case string:
		return bytes.Compare([]byte(a), []byte(b.(string)))
	case float64:
		return cmp.Compare(a, b.(float64))
	case int64:
		return cmp.Compare(a, b.(int64))
	case time.Time:
		return a.Compare(b.(time.Time))
	case bool:
		return cmp.Compare(truth(a), truth(b.(bool)))
	}
	panic("no such value")
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// learn takes note of what a record's fields are indexed as.
func (w *world) learn(r row) {
	n := 0
	for _, f := range r.fields {
		if f.name == record.CreateTime || f.name == record.UpdateTime {
			continue
		}
		t := natural(f.value)
		s, _ := f.value.(string)
		if !askable(f.name) || t == record.String && len(s) > longestText || n == firstFields {
			w.unindexed[f.name] = true
			continue
		}
		n++
		if w.types[f.name] == nil {
			w.types[f.name] = make(map[record.Type]bool)
		}
		w.types[f.name][t] = true
	}
}

// declared is the type that the settings say, if they say one.
func (w *world) declared(name string) (record.Type, bool) {
	for _, x := range w.settings.Indexes {
		if x.Field == name {
			return x.Type, true
		}
	}
	return "", false
}

// value is a record's value of a field as one of a type, if it has one that is
// indexed so.
func (w *world) value(r row, name string, t record.Type) (any, bool) {
	switch name {
	case record.CreateTime:
		return r.created, true
	case record.UpdateTime:
		return r.updated, true
	}
	for _, f := range r.fields {
		if f.name == name && (w.settings.Indexes != nil || natural(f.value) == t) {
			return typed(f.value, t)
		}
	}
	return nil, false
}

// condition is one comparison of a question.
type condition struct {
	field string
	op    storage.Op
	value any // string, json.Number, bool or time.Time

	written bool // in a filter's text, which does not keep how a number was written
}

// question is a filter with an order.
type question struct {
	conditions []condition
	orderBy    string
	descending bool
}

// meant is what a condition's value is to be compared as.
func (w *world) meant(t tester, c condition) any {
	s, ok := c.value.(string)
	if !ok || w.settings.Transform != "" {
		return c.value
	}
	object, err := json.Marshal(map[string]string{"x": s})
	if err != nil {
		t.Fatal(err)
	}
	canonical, err := transform.Canonical(object)
	if err != nil {
		t.Fatal(err)
	}
	return scalarsOf(t, canonical)[0].value
}

// isMixed says whether a field that is indexed by itself has values of several types.
func (w *world) isMixed(name string) bool {
	return w.settings.Indexes == nil && len(w.types[name]) > 1
}

// typeFor is the type by which a field is compared with a value, or why it cannot be.
func (w *world) typeFor(name string, v any) (record.Type, error) {
	switch {
	case !askable(name):
		return "", record.ErrUnsupported
	case w.settings.Indexes != nil:
		t, ok := w.declared(name)
		if !ok {
			return "", record.ErrIndexRequired
		}
		return t, nil
	case name == record.CreateTime:
		return record.Time, nil
	case name == record.UpdateTime, w.unindexed[name]:
		return "", record.ErrIndexRequired
	}
	return natural(v), nil
}

// answer evaluates a question: the ids of the records in their order, or all reasons
// for which no index can tell.
func (w *world) answer(t tester, q question) (ids []string, reasons []error) {
	refuse := func(err error) { reasons = append(reasons, err) }
	type test struct {
		condition
		t     record.Type
		value any
	}
	var tests []test
	isRanged, ranged, rangedType := false, "", record.Type("")
	for _, c := range q.conditions {
		v := w.meant(t, c)
		kind, err := w.typeFor(c.field, v)
		if err != nil {
			refuse(err)
		}
		value, ok := typed(v, kind)
		s, _ := value.(string)
		_, isTime := v.(time.Time)
		_, inTime := asTime(v)
		_, isNumber := c.value.(json.Number)
		if c.written && isNumber && kind == record.String {
			refuse(record.ErrUnsupported)
		}
		if err == nil && !ok || len(s) > longestText || isTime && !inTime {
			refuse(record.ErrUnsupported)
		}
		if c.op != storage.Equal {
			if isRanged && (ranged != c.field || rangedType != kind) {
				refuse(record.ErrUnsupported) // two ranges, or one over two types
			}
			if _, ok := c.value.(bool); ok {
				refuse(record.ErrUnsupported)
			}
			if _, ok := c.value.(string); ok && w.isMixed(c.field) {
				refuse(record.ErrIndexRequired) // as a text it would find those of one type only
			}
			isRanged, ranged, rangedType = true, c.field, kind
		}
		tests = append(tests, test{c, kind, value})
	}
	order, orderType := q.orderBy, rangedType
	if order == "" {
		order = ranged
	}
	if isRanged && ranged != order {
		refuse(record.ErrUnsupported)
	}
	if !askable(order) {
		refuse(record.ErrOrder)
	}
	if order != "" && ranged != order {
		var err error
		if orderType, err = w.orderType(order); err != nil {
			refuse(err)
		}
	}
	if len(reasons) > 0 {
		return nil, reasons
	}
	type hit struct {
		id  string
		key any
	}
	var hits []hit
rows:
	for _, r := range w.rows {
		for _, c := range tests {
			v, ok := w.value(r, c.field, c.t)
			if !ok || !holds(compare(v, c.value), c.op) {
				continue rows
			}
		}
		h := hit{id: r.id, key: true}
		if order != "" || isRanged {
			var ok bool
			if h.key, ok = w.value(r, order, orderType); !ok {
				continue
			}
		}
		hits = append(hits, h)
	}
	slices.SortFunc(hits, func(a, b hit) int {
		c := cmp.Or(compare(a.key, b.key), strings.Compare(storedName(a.id), storedName(b.id)))
		if q.descending {
			c = -c
		}
		return c
	})
	for _, h := range hits {
		ids = append(ids, h.id)
	}
	return ids, nil
}

func (w *world) orderType(name string) (record.Type, error) {
	if !askable(name) {
		return "", record.ErrOrder
	}
	if w.settings.Indexes != nil || name == record.CreateTime || name == record.UpdateTime || w.unindexed[name] {
		return w.typeFor(name, "")
	}
	switch types := w.types[name]; len(types) {
	case 0:
		return "", record.ErrOrder
	case 1:
		for t := range types {
			return t, nil
		}
	}
	return "", record.ErrIndexRequired
}

func holds(c int, op storage.Op) bool {
	switch op {
	case storage.Less:
		return c < 0
	case storage.LessOrEqual:
		return c <= 0
	case storage.Greater:
		return c > 0
	case storage.GreaterOrEqual:
		return c >= 0
	}
	return c == 0
}

// storedName is what a record is called in the store: ids that begin with a time,
// with their other end first.
func storedName(id string) string {
	if len(id) == 36 && id[14] == '7' && id[8] == '-' && strings.Trim(id, "0123456789abcdef-") == "" {
		return id[24:] + "!" + id[:24]
	}
	return id
}

// Small vocabularies, so that filters find something.
var (
	textWords   = []string{"red", "Red", "red ", "green", "blue", "", "é", "e\u0301", "z\u00ff", "\U0001f600", "\uffee", "x\ty", `say "hi"`, `back\slash`, "true", "null", "it's", "line\nbreak"}
	numberTexts = []string{"5", " 5 ", "05", "5.0", "5.00", "-5", "-0", "1e3", "9007199254740991", "9007199254740993", "12345678901234567890", "0.1", ".5", "1."}
	timeTexts   = []string{
		"2026-11-22", " 2026-11-22", "2026-11-22T00:00:00Z", "2026-11-22T01:00:00+01:00", "2026-11-22t00:00:00z", "2026-11-22T00:00:00.0000001Z",
		"2026-11-22T00:00:00.000001Z", "2026-11-22T00:00:00.0000019Z", "2026-02-29", "2024-02-29", "0000-01-01", "0001-01-01", "9999-12-31T23:59:59Z",
		"9999-12-31T23:59:59-01:00", "2026-11-22T24:00:00Z", "1969-12-31T23:59:59.999999Z",
	}
	numberLiterals = []string{
		"0", "-0", "0.0", "1", "1.0", "1.5", "-1.5", "2", "5", "5.0", "100", "1e2", "1E+2", "0.1", "0.10", "9007199254740991", "9007199254740992", "9007199254740993",
		"-9007199254740993", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "12345678901234567890", "1e300", "-1e-300", "4.9e-324", "0.30000000000000004",
	}
	fieldNames = []string{"color", "price", "n", "sold", "at", "mix", "deep.a", "deep.b.c", `a\.b`, "", "x y", `q"t`, "ключ", "__proto__", `a\\b`, record.CreateTime, record.UpdateTime, "f07", "f19", "f20", "f24", "nobody has it"}
)

func quoted(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err)
	}
	return strings.TrimSpace(b.String())
}

// of draws one of a few things.
func of[T any](t *rapid.T, what string, all []T) T { return rapid.SampledFrom(all).Draw(t, what) }

func oneIn(t *rapid.T, n int, what string) bool { return rapid.IntRange(0, n-1).Draw(t, what) == n-1 }

// manner is what a collection's documents are like.
type manner struct {
	indexes []record.Index // declared fields mostly hold what they are declared for

	long bool // some texts are too long for an index
	many bool // some have more fields than are indexed by themselves
	odd  bool // some names are too long, or have a NUL
}

func drawText(t *rapid.T, m manner) string {
	switch rapid.IntRange(0, 9).Draw(t, "kind of text") {
	case 0, 1, 2, 3:
		return of(t, "text", textWords)
	case 4, 5:
		return of(t, "text", numberTexts)
	case 6, 7:
		return of(t, "text", timeTexts)
	case 8:
		n := of(t, "length", []int{20, 1498, 1499})
		if m.long {
			n = of(t, "length", []int{1499, 1500, 1600})
		}
		return strings.Repeat(of(t, "letter", []string{"a", "b"}), n)
	}
	return rapid.StringN(0, 3, 12).Draw(t, "text")
}

// drawValue draws a JSON value for a field.
func drawValue(t *rapid.T, name string, m manner) string {
	for _, x := range m.indexes {
		if x.Field == name && !oneIn(t, 40, "unfit") {
			switch x.Type {
			case record.String:
				return quoted(drawText(t, m))
			case record.Number:
				return of(t, "number", numberLiterals)
			case record.Integer:
				return of(t, "integer", []string{"0", "-0", "1", "2", "5", "9007199254740991", "9007199254740992", "9007199254740993", "9223372036854775807", "-9223372036854775808"})
			case record.Boolean:
				return strconv.FormatBool(rapid.Bool().Draw(t, "truth"))
			case record.Time:
				return quoted(of(t, "time", timeTexts[:8]))
			}
		}
	}
	kind := rapid.IntRange(0, 11).Draw(t, "kind")
	if oneIn(t, 4, "as its name says") {
		switch name {
		case "color":
			return quoted(of(t, "color", textWords))
		case "price", "n":
			kind = 1
		case "sold":
			kind = 2
		case "at":
			return quoted(of(t, "time", timeTexts))
		}
	}
	switch kind {
	case 1, 3, 4:
		return of(t, "number", numberLiterals)
	case 2:
		return strconv.FormatBool(rapid.Bool().Draw(t, "truth"))
	case 5:
		return of(t, "other", []string{"null", "[]", `[1,"red"]`, "{}"})
	}
	return quoted(drawText(t, m))
}

// drawDocument draws a document, whose fields come in any order.
func drawDocument(t *rapid.T, m manner) []byte {
	names := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{
		"color", "price", "n", "sold", "at", "mix", "deep", "a.b", "", "x y", `q"t`, "ключ", "__proto__", `a\b`, "_createTime", "_updateTime",
	}), 0, 7, rapid.ID[string]).Draw(t, "names")
	if m.many && oneIn(t, 10, "has many") {
		for i := range 25 {
			names = append(names, fmt.Sprintf("f%02d", i))
		}
	}
	if m.odd && oneIn(t, 10, "has an odd name") {
		names = append(names, of(t, "odd", []string{strings.Repeat("n", longestName), strings.Repeat("n", longestName+1), "nul\x00"}))
	}
	var members []string
	for _, name := range names {
		value := ""
		if name == "deep" {
			value = fmt.Sprintf(`{"a":%s,"b":{"c":%s}}`, drawValue(t, "deep.a", m), drawValue(t, "deep.b.c", m))
		} else {
			value = drawValue(t, strings.NewReplacer(`\`, `\\`, ".", `\.`).Replace(name), m)
		}
		members = append(members, quoted(name)+of(t, "colon", []string{":", " : "})+value)
	}
	return []byte("{" + strings.Join(members, ",") + "}")
}

// drawSettings draws what a collection asks of its records.
func drawSettings(t *rapid.T) record.Settings {
	var s record.Settings
	if oneIn(t, 4, "program") {
		s.Transform = "."
	}
	if rapid.Bool().Draw(t, "declared") {
		s.Indexes = []record.Index{}
		for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(fieldNames), 1, 12, rapid.ID[string]).Draw(t, "indexes") {
			x := record.Index{Field: name, Type: record.Time}
			if name != record.CreateTime && name != record.UpdateTime {
				x.Type = of(t, "type", []record.Type{record.String, record.String, record.Number, record.Number, record.Integer, record.Boolean, record.Time})
			}
			s.Indexes = append(s.Indexes, x)
		}
	}
	return s
}

// fits says whether a document keeps the declared types.
func (w *world) fits(fields []field) bool {
	for _, f := range fields {
		if t, ok := w.declared(f.name); ok && f.name != record.CreateTime && f.name != record.UpdateTime {
			v, ok := typed(f.value, t)
			if s, _ := v.(string); !ok || len(s) > longestText {
				return false
			}
		}
	}
	return true
}

// fill stores n random documents.
func (w *world) fill(t *rapid.T, service *record.Service, now *clock, n int) {
	m := manner{indexes: w.settings.Indexes, long: oneIn(t, 3, "long texts"), many: oneIn(t, 3, "many fields"), odd: oneIn(t, 3, "odd names")}
	var batch []record.Document
	store := func() {
		now.pass(time.Duration(rapid.IntRange(0, 3).Draw(t, "µs")) * time.Microsecond)
		stored, _, err := service.Store(t.Context(), record.StoreRequest{Collection: w.name, Documents: batch})
		if err != nil {
			t.Fatalf("store: %v", err)
		}
		for _, r := range stored {
			w.note(t, r.Record)
		}
		batch = nil
	}
	for i := range n {
		d := record.Document{Data: drawDocument(t, m)}
		if rapid.Bool().Draw(t, "named") {
			d.ID = fmt.Sprintf("%s%d", of(t, "id", []string{"a", "B", "~", "_", "-", "0"}), i)
		}
		if w.settings.Indexes != nil {
			transformed := d.Data
			if w.settings.Transform == "" {
				var err error
				if transformed, err = transform.Canonical(d.Data); err != nil {
					t.Fatal(err)
				}
			} else if transformed = ownNumbers(transformed); transformed == nil {
				continue
			}
			if !w.fits(scalarsOf(t, transformed)) {
				if _, err := service.Put(t.Context(), w.name, record.Document{ID: "bad", Data: d.Data}, record.Condition{}); !errors.Is(err, record.ErrDocument) {
					t.Fatalf("%s by %+v: got %v, want ErrDocument", d.Data, w.settings.Indexes, err)
				}
				continue
			}
		}
		if batch = append(batch, d); len(batch) == 20 {
			store()
		}
	}
	if len(batch) > 0 {
		store()
	}
}

// ownNumbers leaves out documents whose numbers a program writes in its own way.
func ownNumbers(document []byte) []byte {
	if bytes.ContainsAny(document, "eE") || bytes.Contains(document, []byte(".")) {
		return nil
	}
	return document
}

func (w *world) note(t *rapid.T, r record.Record) {
	if w.settings.Transform == "" {
		want, err := transform.Canonical(r.Original)
		if err != nil || !bytes.Equal(r.Transformed, want) {
			t.Fatalf("transformed is %s, want %s, %v", r.Transformed, want, err)
		}
	}
	row := row{id: r.ID, fields: scalarsOf(t, r.Transformed), created: r.Created, updated: r.Updated}
	w.rows = append(w.rows, row)
	w.learn(row)
}

// drawValueOf draws what a field is compared with: often what some record has.
func (w *world) drawValueOf(t *rapid.T, name string) any {
	if len(w.rows) > 0 && !oneIn(t, 3, "another") {
		for range 5 {
			r := of(t, "row", w.rows)
			for _, f := range r.fields {
				if f.name == name {
					return f.value
				}
			}
		}
	}
	switch rapid.IntRange(0, 5).Draw(t, "value") {
	case 0:
		return json.Number(of(t, "number", numberLiterals))
	case 1:
		return rapid.Bool().Draw(t, "truth")
	case 2:
		at, err := time.Parse(time.RFC3339Nano, of(t, "time", []string{
			"2026-11-22T00:00:00Z", "2026-11-22T01:00:00+01:00", "2026-11-22T00:00:00.0000019Z", "0000-06-01T00:00:00Z",
			"0001-01-01T00:00:00Z", "9999-12-31T23:59:59-01:00", "1969-12-31T23:59:59.999999Z", "2126-11-21T12:00:00.000005Z",
		}))
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	return drawText(t, manner{long: oneIn(t, 5, "long")})
}

func (w *world) drawField(t *rapid.T) string {
	if len(w.settings.Indexes) > 0 && !oneIn(t, 6, "any") {
		return of(t, "field", w.settings.Indexes).Field
	}
	if oneIn(t, 20, "odd") {
		return of(t, "field", []string{strings.Repeat("n", longestName), strings.Repeat("n", longestName+1), "nul\x00"})
	}
	return of(t, "field", fieldNames)
}

// draw draws a question, and the terms that put it, as a filter's text or as an
// object. It is not ok when the question is refused as it is read.
func (w *world) draw(t *rapid.T) (q question, terms []record.Term, order string, ok bool) {
	asObject := oneIn(t, 3, "as an object")
	ranged := w.drawField(t)
	fields := make(map[string]any)
	var parts []string
	for range rapid.IntRange(0, 3).Draw(t, "conditions") {
		c := condition{field: w.drawField(t), op: storage.Equal}
		if !asObject && rapid.Bool().Draw(t, "range") {
			c.op = of(t, "op", []storage.Op{storage.Less, storage.LessOrEqual, storage.Greater, storage.GreaterOrEqual})
			if !oneIn(t, 8, "on another") {
				c.field = ranged
			}
		}
		c.value = w.drawValueOf(t, c.field)
		if _, text := c.value.(string); text && c.op != storage.Equal && w.isMixed(c.field) && !oneIn(t, 8, "by a text") {
			c.value = json.Number(of(t, "number", numberLiterals)) // or most would be refused
		}
		if asObject {
			if _, at := c.value.(time.Time); at || fields[c.field] != nil {
				continue
			}
			fields[c.field] = c.value
		} else {
			literal, value, ok := literalOf(c.value)
			if !ok {
				continue
			}
			c.value, c.written = value, true
			parts = append(parts, w.nameIn(c.field)+" "+string(c.op)+" "+literal)
		}
		q.conditions = append(q.conditions, c)
	}
	var err error
	if asObject {
		terms, err = record.EqualToAll(fields)
	} else {
		terms, err = record.ParseFilter(strings.Join(parts, " AND "))
	}
	if len(strings.Join(parts, " AND ")) > 4096 && errors.Is(err, record.ErrFilter) {
		return q, nil, "", false
	}
	if err != nil && !errors.Is(err, record.ErrUnsupported) {
		t.Fatalf("%q: %v", parts, err)
	}
	if err != nil { // only for truths that are to be in a range
		if _, reasons := w.answer(t, q); !slices.Contains(reasons, record.ErrUnsupported) {
			t.Fatalf("%q: %v, which the evaluation can answer", parts, err)
		}
		return q, nil, "", false
	}
	switch rapid.IntRange(0, 3).Draw(t, "order") {
	case 0:
		q.orderBy = w.drawField(t)
	case 1:
		for _, c := range q.conditions {
			if c.op != storage.Equal {
				q.orderBy = c.field
			}
		}
	}
	if q.orderBy == "" || strings.ContainsAny(q.orderBy, " ,") {
		q.orderBy = ""
		return q, terms, "", true
	}
	q.descending = rapid.Bool().Draw(t, "descending")
	return q, terms, q.orderBy + map[bool]string{true: " desc"}[q.descending], true
}

// literalOf writes a value as AIP-160 has it, and returns what that says.
func literalOf(v any) (literal string, value any, ok bool) {
	switch v := v.(type) {
	case string:
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`, "\r", `\r`).Replace(v) + `"`, v, !strings.ContainsRune(v, '\ufffd')
	case bool:
		return strconv.FormatBool(v), v, true
	case time.Time:
		return `timestamp("` + v.Format(time.RFC3339Nano) + `")`, v, true
	case json.Number:
		if strings.ContainsAny(v.String(), "eE") {
			return "", nil, false // which this parser does not read
		}
		if n, err := strconv.ParseInt(v.String(), 10, 64); err == nil && n != math.MinInt64 {
			return v.String(), json.Number(strconv.FormatInt(n, 10)), true
		}
		f, err := v.Float64()
		return v.String(), json.Number(strconv.FormatFloat(f, 'g', -1, 64)), err == nil && strings.Contains(v.String(), ".")
	}
	return "", nil, false
}

// nameIn writes the name of a field of transformed in a filter. A program's names mean
// nothing but themselves.
func (w *world) nameIn(name string) string {
	if w.settings.Transform != "" {
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
	}
	var parts []string
	var part strings.Builder
	end := func() {
		parts = append(parts, `"`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(part.String())+`"`)
		part.Reset()
	}
	for i := 0; i < len(name); i++ {
		switch {
		case name[i] == '\\':
			i++
			part.WriteByte(name[i])
		case name[i] == '.':
			end()
		default:
			part.WriteByte(name[i])
		}
	}
	end()
	return strings.Join(parts, ".")
}

// ask compares the service's answer with the evaluation's.
func (w *world) ask(t *rapid.T, service *record.Service) (found int, answered bool) {
	q, terms, order, ok := w.draw(t)
	if !ok {
		return 0, false
	}
	want, reasons := w.answer(t, q)
	req := record.ListRequest{
		Collection: w.name, Terms: terms, OrderBy: order, Count: true,
		Size: max(1, len(want)/rapid.IntRange(1, 6).Draw(t, "pages")),
	}
	keys := rapid.Bool().Draw(t, "keys only")
	var got []string
	for range len(want) + 2 {
		list := service.List
		if keys {
			list = service.Keys
		}
		page, err := list(t.Context(), req)
		if len(reasons) > 0 {
			if !slices.ContainsFunc(reasons, func(r error) bool { return errors.Is(err, r) }) {
				t.Fatalf("%+v order %q by %+v: got %v, want one of %v", q, order, w.settings, err, reasons)
			}
			return 0, false
		}
		if err != nil {
			t.Fatalf("%+v order %q by %+v: %v, which the evaluation can answer with %q", q, order, w.settings, err, want)
		}
		if req.Count && int(page.Total) != len(want) {
			t.Fatalf("%+v order %q by %+v: counted %d, want %d", q, order, w.settings, page.Total, len(want))
		}
		if !keys {
			page.IDs = idsOf(page.Records)
		}
		if len(page.IDs) > req.Size {
			t.Fatalf("a page of %d, want at most %d", len(page.IDs), req.Size)
		}
		got = append(got, page.IDs...)
		if req.Token = page.Next; req.Token == "" {
			break
		}
		req.Count = false
	}
	if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("%+v order %q by %+v, - want + got:\n%s", q, order, w.settings, diff)
	}
	return len(want), true
}

func TestAFilterFindsWhatAPlainEvaluationFinds(t *testing.T) {
	for _, backend := range backends {
		t.Run(backend.name, func(t *testing.T) {
			collections, questions := pick(7, 40), pick(36, 250)
			if backend.name == "SQLite" {
				collections, questions = pick(6, 40), pick(100, 250)
			}
			checks(t, collections)
			asked, answered, found := 0, 0, 0
			now := newClock()
			service := record.New(backend.open(t), record.Options{Now: now.Now})
			rapid.Check(t, func(r *rapid.T) {
				w := &world{name: fresh(), settings: drawSettings(r), types: make(map[string]map[record.Type]bool), unindexed: make(map[string]bool)}
				if _, _, err := service.Configure(r.Context(), w.name, w.settings, record.Condition{}); err != nil {
					r.Fatalf("configure %+v: %v", w.settings, err)
				}
				w.fill(r, service, now, 200)
				for range questions {
					asked++
					n, ok := w.ask(r, service)
					if ok {
						answered++
					}
					if n > 0 {
						found++
					}
				}
			})
			t.Logf("%d questions, %d answered, %d with records", asked, answered, found)
			if answered < asked/3 || found < asked/8 {
				t.Errorf("of %d questions %d were answered, %d with records: too few to show anything", asked, answered, found)
			}
		})
	}
}

func TestATextInAFilterIsTakenAsOneInADocumentIs(t *testing.T) {
	s := record.New(openSQLite(t), record.Options{})
	configure(t, s, record.Settings{Indexes: []record.Index{{Field: "s", Type: record.String}}})
	for _, texts := range [][]string{ // each the same text
		{"2026-11-22T10:00:00Z", "2026-11-22T11:00:00+01:00", " 2026-11-22t10:00:00.000z ", "2026-11-22T10:00:00Z"},
		{"2026-11-22", " 2026-11-22"}, {"2026-11-22T00:00:00Z", "2026-11-22T00:00:00.0Z"}, {"0000-06-01", "0000-06-01 "},
		{"5", " 5"}, {"5.0", "5.0 "}, {"é", "e\u0301"}, {"x", " x\n"}, {"12345678901234567890", " 12345678901234567890"},
	} {
		put(t, s, "r", `{"s":`+quoted(texts[0])+`}`)
		for _, text := range texts {
			if got, err := where(t.Context(), s, "s = "+quoted(text), "", 10); err != nil || len(got) != 1 {
				t.Errorf("%q does not find %q: %v, %v", text, texts[0], idsOf(got), err)
			}
		}
	}
}
