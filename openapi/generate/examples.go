package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// example shows an operation's request by curl and the reply to it. A test sends it.
func (r *referrer) example(o routed) {
	_, reply := good(o.op)
	media := reply.Content[slices.Sorted(maps.Keys(reply.Content))[0]]
	fmt.Fprintf(&r.b, "\n```text\n%s\n```\n", r.curl(o))
	if media.Example != nil {
		fmt.Fprintf(&r.b, "\n```text\n%s\n```\n", strings.TrimRight(shown(media.Example), "\n"))
	}
}

// curl is the request that an operation's examples make.
func (r *referrer) curl(o routed) string {
	words := []string{"curl"}
	switch who(o.op) {
	case "key":
		words = append(words, `-H "x-api-key: $KEY"`)
	case "signature":
		for _, p := range o.op.Parameters {
			if p.In == "header" {
				words = append(words, fmt.Sprintf(`-H "%s: $%s"`, p.Name, strings.ToUpper(strings.ReplaceAll(p.Name, "-", "_"))))
			}
		}
	}
	body := o.op.RequestBody
	if o.method != "GET" && (o.method != "POST" || body == nil) {
		words = append(words, "-X "+o.method)
	}
	if body != nil {
		words = append(words, r.sent(body)...)
	}
	return strings.Join(append(words, "'https://HOST"+target(o)+"'"), " ")
}

// sent are the words that send a body's example.
func (r *referrer) sent(body *huma.RequestBody) []string {
	contentType := slices.Sorted(maps.Keys(body.Content))[0]
	media := body.Content[contentType]
	quote := func(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
	if text, ok := media.Example.(string); ok {
		return []string{"-H 'Content-Type: " + contentType + "'", "--data-binary " + quote(strings.TrimSuffix(text, "\n"))}
	}
	if media.Example != nil {
		return []string{"-d " + quote(compact(media.Example))}
	}
	s := r.schemas[strings.TrimPrefix(media.Schema.Ref, refPrefix)]
	var fields []string
	for _, name := range fieldNames(s) {
		if examples := s.Properties[name].Examples; len(examples) > 0 {
			fields = append(fields, compact(name)+":"+compact(examples[0]))
		}
	}
	return []string{"-d " + quote("{"+strings.Join(fields, ",")+"}")}
}

// target is the path and the query that the parameters' examples make.
func target(o routed) string {
	path, query := o.path, ""
	for _, p := range o.op.Parameters {
		if len(p.Schema.Examples) == 0 {
			continue
		}
		texts := []string{fmt.Sprint(p.Schema.Examples[0])}
		if list := reflect.ValueOf(p.Schema.Examples[0]); list.Kind() == reflect.Slice {
			texts = nil
			for i := range list.Len() {
				texts = append(texts, fmt.Sprint(list.Index(i)))
			}
		}
		if p.Explode != nil && !*p.Explode {
			texts = []string{strings.Join(texts, ",")}
		}
		for _, text := range texts {
			if p.In == "path" {
				path = strings.ReplaceAll(path, "{"+p.Name+"}", text)
			} else if p.In == "query" {
				query += "&" + p.Name + "=" + readable.Replace(url.QueryEscape(text))
			}
		}
	}
	return path + strings.Replace(query, "&", "?", 1)
}

// readable takes back what a query may have as it is.
var readable = strings.NewReplacer("%2F", "/", "%2C", ",", "%3A", ":")

// lineWidth is how long an example may be that stands in one line.
const lineWidth = 140

// shown is an example of a reply; a long object has a line for each field.
func shown(example any) string {
	if text, ok := example.(string); ok {
		return text
	}
	text := compact(example)
	if len(text) <= lineWidth || text[0] != '{' {
		return text
	}
	var lines []string
	d := json.NewDecoder(strings.NewReader(text))
	following(d)
	for d.More() {
		name := following(d)
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			panic(err)
		}
		lines = append(lines, "  "+compact(name)+": "+string(value))
	}
	return "{\n" + strings.Join(lines, ",\n") + "\n}"
}

func following(d *json.Decoder) json.Token {
	t, err := d.Token()
	if err != nil {
		panic(err)
	}
	return t
}

// compact is a value as JSON in one line.
func compact(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return strings.TrimSpace(b.String())
}
