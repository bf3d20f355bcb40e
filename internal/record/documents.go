package record

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// ParseDocuments reads what one call stores: a document, an array of documents, or
// {"records":[{"id":…,"data":{…}}]}. The body has been read strictly.
func ParseDocuments(body []byte) ([]Document, error) {
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		return nil, invalid("there is no document")
	}
	switch body[0] {
	case '{':
		m, err := members(body)
		if err != nil {
			return nil, err
		}
		if list, ok := m["records"]; ok && len(m) == 1 && list[0] == '[' {
			return parseAll(list, parseEnvelope)
		}
		return []Document{{Data: body}}, nil
	case '[':
		return parseAll(body, func(data []byte) (Document, error) {
			if data[0] != '{' {
				return Document{}, invalid("a record has to be a JSON object")
			}
			return Document{Data: data}, nil
		})
	}
	return nil, invalid("send a JSON object, an array of them, or {\"records\":[{\"id\":…,\"data\":{…}}]}")
}

func parseAll(array []byte, parse func([]byte) (Document, error)) ([]Document, error) {
	var values []json.RawMessage
	if err := json.Unmarshal(array, &values); err != nil {
		return nil, invalid("%v", err)
	}
	switch n := len(values); {
	case n == 0:
		return nil, invalid("there is no document in the array")
	case n > MaxBatch:
		return nil, fmt.Errorf("%w: at most %d at once, not %d", ErrTooMany, MaxBatch, n)
	}
	docs := make([]Document, len(values))
	for i, v := range values {
		var err error
		if docs[i], err = parse(v); err != nil {
			return nil, &ItemError{i, err}
		}
	}
	return docs, nil
}

// parseEnvelope reads {"id":…,"data":{…}}.
func parseEnvelope(b []byte) (Document, error) {
	if b[0] != '{' {
		return Document{}, invalid("it is not an object with id and data")
	}
	m, err := members(b)
	if err != nil {
		return Document{}, err
	}
	for name := range m {
		if name != "id" && name != "data" {
			return Document{}, invalid("it has id and data only, not %.40q", name)
		}
	}
	if len(m["data"]) == 0 || m["data"][0] != '{' {
		return Document{}, invalid("data has to be a JSON object")
	}
	d := Document{Data: m["data"]}
	if id := m["id"]; len(id) > 0 && string(id) != "null" {
		if id[0] != '"' {
			return Document{}, fmt.Errorf("%w: it has to be a text", ErrID)
		}
		if err := json.Unmarshal(id, &d.ID); err != nil {
			return Document{}, invalid("%v", err)
		}
		if d.ID == "" {
			return Document{}, fmt.Errorf("%w: it is empty", ErrID)
		}
	}
	return d, nil
}

// isEnvelope says whether an object is {"id":…,"data":{…}}, or without the id.
func isEnvelope(m map[string][]byte) bool {
	data, ok := m["data"]
	if _, hasID := m["id"]; hasID {
		ok = ok && len(m) == 2
	} else {
		ok = ok && len(m) == 1
	}
	return ok && data[0] == '{'
}

// members are the members of an object, each byte for byte.
func members(object []byte) (map[string][]byte, error) {
	all, err := orderedMembers(object)
	if err != nil {
		return nil, invalid("%v", err)
	}
	m := make(map[string][]byte, len(all))
	for _, x := range all {
		m[x.name] = x.value
	}
	return m, nil
}
