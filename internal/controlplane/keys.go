package controlplane

import (
	"maps"
	"regexp"
)

func (s *state) keyRoutes() []route {
	const keys = "v2/projects/{project}/locations/global/keys"
	return []route{
		{"GET " + keys, s.listKeys},
		{"POST " + keys, s.createKey},
		{"GET " + keys + "/{key}", s.describeKey},
		{"PATCH " + keys + "/{key}", s.updateKey},
		{"DELETE " + keys + "/{key}", s.deleteKey},
		{"POST " + keys + "/{key}:undelete", s.undeleteKey},
		{"GET " + keys + "/{key}/keyString", s.keyString},
		{"GET v2/operations/{operation}", s.poll("operations/%s", "operation")},
	}
}

var keyID = regexp.MustCompile(`^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)

func (s *state) listKeys(in *call) (doc, error) {
	var list []doc
	for _, k := range sorted(s.keys) {
		if k.text("deleteTime") == "" || in.query.Get("showDeleted") == "true" {
			list = append(list, k)
		}
	}
	return doc{"keys": list}, nil
}

// createKey refuses the id of a deleted key too: it is kept for 30 days, and can be
// undeleted.
func (s *state) createKey(in *call) (doc, error) {
	id := in.query.Get("keyId")
	if id == "" {
		s.made++
		id = "key-" + stable(s.project.ID, etag(s.made))
	}
	switch {
	case !keyID.MatchString(id):
		return nil, invalid("The key id %q is not valid.", id)
	case s.keys[id] != nil:
		return nil, exists("Key with ID %s already exists.", id)
	}
	return s.keepKey(id, in.body.with(doc{
		"name":       "projects/" + s.project.Number + "/locations/global/keys/" + id,
		"uid":        stable("uid", id),
		"createTime": aTime,
	}))
}

func (s *state) describeKey(in *call) (doc, error) {
	if k := s.keys[in.vars["key"]]; k != nil {
		return k, nil
	}
	return nil, notFound("Key %s was not found.", in.vars["key"])
}

func (s *state) updateKey(in *call) (doc, error) {
	old, err := s.liveKey(in)
	if err != nil {
		return nil, err
	}
	return s.keepKey(in.vars["key"], old.patch(in.body, in.query.Get("updateMask")))
}

func (s *state) deleteKey(in *call) (doc, error) {
	old, err := s.liveKey(in)
	if err != nil {
		return nil, err
	}
	return s.keepKey(in.vars["key"], old.with(doc{"deleteTime": aTime}))
}

func (s *state) undeleteKey(in *call) (doc, error) {
	old, err := s.describeKey(in)
	if err != nil {
		return nil, err
	}
	key := maps.Clone(old)
	delete(key, "deleteTime")
	return s.keepKey(in.vars["key"], key)
}

func (s *state) keyString(in *call) (doc, error) {
	if _, err := s.liveKey(in); err != nil {
		return nil, err
	}
	return doc{"keyString": "AIzaSy-not-a-key-" + stable(in.vars["key"])}, nil
}

func (s *state) liveKey(in *call) (doc, error) {
	k := s.keys[in.vars["key"]]
	if k == nil || k.text("deleteTime") != "" {
		return nil, notFound("Key %s was not found.", in.vars["key"])
	}
	return k, nil
}

// keepKey refuses to restrict a key to a service that this project cannot use.
func (s *state) keepKey(id string, key doc) (doc, error) {
	for _, t := range key.list("restrictions", "apiTargets") {
		target := asDoc(t)
		if service := target.text("service"); !s.services[service] && !s.isManagedService(service) {
			return nil, invalid("Service %q of an API target is neither enabled nor that of an API of this project.", service)
		}
	}
	s.keys[id] = key.with(doc{"etag": etag(s.made)})
	return s.begin("operations/", nil, s.keys[id]).start(), nil
}
