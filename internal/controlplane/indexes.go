package controlplane

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

func (s *state) indexRoutes() []route {
	const group = "v1/projects/{project}/databases/{database}/collectionGroups/{group}"
	return []route{
		{"GET " + group + "/indexes", s.listIndexes},
		{"POST " + group + "/indexes", s.createIndex},
		{"GET " + group + "/indexes/{index}", s.describeIndex},
		{"DELETE " + group + "/indexes/{index}", s.deleteIndex},
		{"GET " + group + "/fields", s.listFields},
		{"GET " + group + "/fields/{field}", s.describeField},
		{"PATCH " + group + "/fields/{field}", s.updateField},
	}
}

// datastoreRoutes are Datastore's own API, of which gcloud only lists indexes.
func (s *state) datastoreRoutes() []route {
	return []route{{"GET v1/projects/{project}/indexes", s.listDatastoreIndexes}}
}

func (s *state) listIndexes(in *call) (doc, error) {
	d, err := s.database(in)
	if err != nil {
		return nil, err
	}
	list := slices.DeleteFunc(slices.Clone(d.indexes), func(i doc) bool {
		return in.vars["group"] != "-" && groupOf(i) != in.vars["group"]
	})
	return doc{"indexes": list}, nil
}

func (s *state) createIndex(in *call) (doc, error) {
	d, err := s.database(in)
	if err != nil {
		return nil, err
	}
	if len(in.body.list("fields")) == 0 {
		return nil, invalid("The index has no fields.")
	}
	inDatastore := d.doc.text("type") == "DATASTORE_MODE"
	if (in.body.text("apiScope") == "DATASTORE_MODE_API") != inDatastore {
		return nil, precondition("The index's api scope %q does not suit a database of type %s.", in.body.text("apiScope"), d.doc.text("type"))
	}
	fields := named(in.body.list("fields"), inDatastore)
	for _, i := range d.indexes {
		if groupOf(i) == in.vars["group"] && reflect.DeepEqual(i.list("fields"), fields) && i["queryScope"] == in.body["queryScope"] {
			return nil, exists("index already exists")
		}
	}
	s.made++
	index := in.body.with(doc{
		"name":   fmt.Sprintf("%s/collectionGroups/%s/indexes/INDEX%d", d.doc.text("name"), in.vars["group"], s.made),
		"fields": fields,
		"state":  "READY",
	})
	d.indexes = append(d.indexes, index)
	return s.begin(d.doc.text("name")+"/operations/", nil, index).start(), nil
}

func (s *state) describeIndex(in *call) (doc, error) {
	d, i, err := s.index(in)
	if err != nil {
		return nil, err
	}
	return d.indexes[i], nil
}

func (s *state) deleteIndex(in *call) (doc, error) {
	d, i, err := s.index(in)
	if err != nil {
		return nil, err
	}
	d.indexes = slices.Delete(d.indexes, i, i+1)
	return nil, nil
}

func (s *state) index(in *call) (*database, int, error) {
	d, err := s.database(in)
	if err != nil {
		return nil, 0, err
	}
	i := slices.IndexFunc(d.indexes, func(i doc) bool { return strings.HasSuffix(i.text("name"), "/"+in.vars["index"]) })
	if i < 0 {
		return nil, 0, notFound("Index %s was not found.", in.vars["index"])
	}
	return d, i, nil
}

// listFields knows the filters of gcloud's two lists.
func (s *state) listFields(in *call) (doc, error) {
	d, err := s.database(in)
	if err != nil {
		return nil, err
	}
	kept := "indexConfig"
	if strings.HasPrefix(in.query.Get("filter"), "ttlConfig:") {
		kept = "ttlConfig"
	}
	var list []doc
	for _, f := range sorted(d.fields) {
		if f.sub(kept) != nil && (in.vars["group"] == "-" || groupOf(f) == in.vars["group"]) {
			list = append(list, f)
		}
	}
	return doc{"fields": list}, nil
}

func (s *state) describeField(in *call) (doc, error) {
	d, err := s.database(in)
	if err != nil {
		return nil, err
	}
	return d.field(in), nil
}

func (s *state) updateField(in *call) (doc, error) {
	d, err := s.database(in)
	if err != nil {
		return nil, err
	}
	field := d.field(in).patch(in.body, in.query.Get("updateMask"))
	if ttl := field.sub("ttlConfig"); ttl != nil {
		for _, f := range d.fields {
			if groupOf(f) == in.vars["group"] && f.sub("ttlConfig") != nil && f.text("name") != field.text("name") {
				return nil, precondition("The collection group %s has a TTL field already: %s.", in.vars["group"], f.text("name"))
			}
		}
		field["ttlConfig"] = ttl.with(doc{"state": "ACTIVE"})
	}
	if config := field.sub("indexConfig"); config != nil {
		field["indexConfig"] = config.with(doc{"usesAncestorConfig": false})
	}
	d.fields[field.text("name")] = field
	return s.begin(d.doc.text("name")+"/operations/", nil, field).start(), nil
}

func (d *database) field(in *call) doc {
	name := fmt.Sprintf("%s/collectionGroups/%s/fields/%s", d.doc.text("name"), in.vars["group"], in.vars["field"])
	if f := d.fields[name]; f != nil {
		return f
	}
	return doc{"name": name}
}

func (s *state) listDatastoreIndexes(*call) (doc, error) {
	d := s.databases["(default)"]
	if d == nil {
		return doc{}, nil
	}
	var list []doc
	for _, i := range d.indexes {
		var properties []doc
		for _, f := range i.list("fields") {
			field := asDoc(f)
			if field.text("fieldPath") != "__name__" {
				properties = append(properties, doc{"name": field["fieldPath"], "direction": field["order"]})
			}
		}
		id := lastPart(i.text("name"))
		list = append(list, doc{"projectId": s.project.ID, "indexId": id, "kind": groupOf(i), "ancestor": "NONE", "properties": properties, "state": "READY"})
	}
	return doc{"indexes": list}, nil
}

// groupOf is the collection group, or kind, of an index or a field.
func groupOf(d doc) string {
	_, rest, _ := strings.Cut(d.text("name"), "/collectionGroups/")
	group, _, _ := strings.Cut(rest, "/")
	return group
}

// named are an index's fields with the name at their end, which every index has: in
// the direction of the last field, but always ascending in Datastore mode.
func named(fields []any, inDatastore bool) []any {
	last := asDoc(fields[len(fields)-1])
	if last.text("fieldPath") == "__name__" {
		return fields
	}
	end := maps.Clone(last)
	delete(end, "arrayConfig")
	end["fieldPath"] = "__name__"
	if last.text("order") == "" || inDatastore {
		end["order"] = "ASCENDING"
	}
	return append(slices.Clone(fields), map[string]any(end))
}
