// Package recordhttp is what the functions of records have in common: how records
// look in a reply, and what their errors are to a client. Each operation's own types
// stand beside it, in functions/store, fetch and remove.
package recordhttp

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallystick/tallystick/internal/record"
)

// Object is a JSON object, byte for byte.
type Object []byte

// Schema implements huma.SchemaProvider.
func (Object) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}
}

// MarshalJSON implements json.Marshaler.
func (o Object) MarshalJSON() ([]byte, error) { return o, nil }

// UnmarshalJSON implements json.Unmarshaler.
func (o *Object) UnmarshalJSON(b []byte) error {
	*o = append((*o)[:0], b...)
	return nil
}

// Record is a record in a reply.
type Record struct {
	ID          string     `json:"id" doc:"Its id."`
	Collection  string     `json:"collection" doc:"The collection that it is in."`
	Original    Object     `json:"original,omitempty" doc:"The document as it came in, byte for byte. Not there where fields was given."`
	Transformed Object     `json:"transformed" doc:"What the collection's transform made of it."`
	Version     int64      `json:"version" doc:"1 for a new record, one more with each change."`
	CreateTime  time.Time  `json:"createTime" doc:"When version 1 was stored."`
	UpdateTime  time.Time  `json:"updateTime" doc:"When this version was stored."`
	ExpireTime  *time.Time `json:"expireTime,omitempty" doc:"When it expires, where it does."`
}

// Of is a record as a reply has it.
func Of(r record.Record) Record {
	w := Record{
		ID: r.ID, Collection: r.Collection, Original: r.Original, Transformed: r.Transformed,
		Version: r.Version, CreateTime: r.Created, UpdateTime: r.Updated,
	}
	if !r.Expire.IsZero() {
		w.ExpireTime = &r.Expire
	}
	return w
}

// AppendJSON implements edge.JSONAppender.
func (r Record) AppendJSON(b []byte) []byte {
	b = append(b, `{"id":`...)
	b = appendText(b, r.ID)
	b = append(b, `,"collection":`...)
	b = appendText(b, r.Collection)
	if r.Original != nil {
		b = append(b, `,"original":`...)
		b = append(b, r.Original...)
	}
	b = append(b, `,"transformed":`...)
	b = append(b, r.Transformed...)
	b = append(b, `,"version":`...)
	b = appendValue(b, r.Version)
	b = append(b, `,"createTime":`...)
	b = appendValue(b, r.CreateTime)
	b = append(b, `,"updateTime":`...)
	b = appendValue(b, r.UpdateTime)
	if r.ExpireTime != nil {
		b = append(b, `,"expireTime":`...)
		b = appendValue(b, *r.ExpireTime)
	}
	return append(b, '}')
}

// List is a page of records in a reply.
type List struct {
	Status        bool     `json:"status" doc:"True."`
	Count         int      `json:"count" doc:"How many there are in this reply."`
	Records       []Record `json:"records" doc:"The records."`
	NextPageToken string   `json:"nextPageToken" doc:"For the next page; empty at the end. A page may have fewer records than were asked for before it."`
	Total         *int64   `json:"total,omitempty" doc:"How many there are in all, where count=true asked for it. It may count records that expired in the last days."`
}

// ListOf is a page in a reply.
func ListOf(p record.Page, count bool) List {
	l := List{Status: true, Count: len(p.Records), Records: make([]Record, len(p.Records)), NextPageToken: p.Next}
	for i, r := range p.Records {
		l.Records[i] = Of(r)
	}
	if count {
		l.Total = &p.Total
	}
	return l
}

// AppendJSON implements edge.JSONAppender.
func (l List) AppendJSON(b []byte) []byte {
	b = append(b, `{"status":true,"count":`...)
	b = appendValue(b, l.Count)
	b = append(b, `,"records":`...)
	b = AppendAll(b, l.Records)
	b = append(b, `,"nextPageToken":`...)
	b = appendText(b, l.NextPageToken)
	if l.Total != nil {
		b = append(b, `,"total":`...)
		b = appendValue(b, *l.Total)
	}
	return append(b, '}')
}

// AppendAll appends the records as a JSON array.
func AppendAll(b []byte, records []Record) []byte {
	b = append(b, '[')
	for i, r := range records {
		if i > 0 {
			b = append(b, ',')
		}
		b = r.AppendJSON(b)
	}
	return append(b, ']')
}

// AppendStrings appends texts that are ids as a JSON array.
func AppendStrings(b []byte, texts []string) []byte {
	b = append(b, '[')
	for i, s := range texts {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, s)
	}
	return append(b, ']')
}

// appendText appends a text that has nothing to escape: an id, a name, a token.
func appendText(b []byte, s string) []byte {
	return append(append(append(b, '"'), s...), '"')
}

func appendValue(b []byte, v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // of a number or a time that cannot be
	}
	return append(b, text...)
}

// Collection is a collection in a reply.
type Collection struct {
	Collection string     `json:"collection" doc:"Its name."`
	Schema     Object     `json:"schema,omitempty" doc:"The JSON Schema that originals keep."`
	Transform  string     `json:"transform" doc:"The jq program that makes transformed of original; empty: the canonical form."`
	Indexes    []Index    `json:"indexes,omitzero" doc:"The indexed fields, where they are named."`
	TTLSeconds int64      `json:"ttlSeconds" doc:"How long after its last change a record expires; 0: never."`
	Version    int64      `json:"version" doc:"Of the settings; 0: nobody has made any."`
	CreateTime time.Time  `json:"createTime" doc:"When the first record, or the first settings, came."`
	UpdateTime *time.Time `json:"updateTime,omitempty" doc:"When the settings were changed."`
	Pending    []string   `json:"pending,omitempty" doc:"Fields whose indexes have to be completed by tallystick retransform; * are all."`
	Fields     []Field    `json:"fields,omitempty" doc:"Fields that records have and that are indexed by themselves, where indexes names none."`
}

// Index is an indexed field.
type Index struct {
	Field string `json:"field" doc:"A top-level field of transformed, _createTime or _updateTime." example:"price"`
	Type  string `json:"type" enum:"string,number,integer,boolean,time" doc:"What it holds. number is a 64-bit floating-point number; time is RFC 3339 or a date, to the microsecond." example:"number"`
}

// Field is what a collection's records have been seen to have.
type Field struct {
	Field string   `json:"field" doc:"Its name in transformed."`
	Types []string `json:"types" doc:"The types of its values."`
}

// AllFields stands for all fields.
const AllFields = "*"

// IDs, embedded in an input, are the ids that a call is about.
type IDs struct {
	IDs []string `query:"ids" required:"true" minItems:"1" maxItems:"500" doc:"The ids, separated by commas; ids may also be given several times." example:"[\"widget\",\"gadget\"]"`
}

var _ huma.Resolver = (*IDs)(nil)

// Resolve is called by huma for each request. By itself it takes the first ids only.
func (i *IDs) Resolve(ctx huma.Context) []error {
	url := ctx.URL()
	if lists := url.Query()["ids"]; len(lists) > 1 {
		i.IDs = strings.Split(strings.Join(lists, ","), ",")
	}
	return nil
}
