package controlplane

import (
	"regexp"
	"slices"
)

// database is one of Firestore, in either mode.
type database struct {
	doc     doc
	indexes []doc          // composite ones, in the order of their creation
	fields  map[string]doc // with settings of their own, by name
}

// databaseLocations are those of Firestore. https://cloud.google.com/firestore/docs/locations
var databaseLocations = []string{
	"africa-south1", "asia-east1", "asia-east2", "asia-northeast1", "asia-northeast2", "asia-northeast3", "asia-south1", "asia-south2",
	"asia-southeast1", "asia-southeast2", "australia-southeast1", "australia-southeast2", "eur3", "europe-central2", "europe-north1",
	"europe-southwest1", "europe-west1", "europe-west10", "europe-west12", "europe-west2", "europe-west3", "europe-west4", "europe-west6",
	"europe-west8", "europe-west9", "me-central1", "me-central2", "me-west1", "nam5", "nam7", "northamerica-northeast1",
	"northamerica-northeast2", "southamerica-east1", "southamerica-west1", "us-central1", "us-east1", "us-east4", "us-east5",
	"us-south1", "us-west1", "us-west2", "us-west3", "us-west4",
}

func (s *state) databaseRoutes() []route {
	const database = "v1/projects/{project}/databases/{database}"
	return []route{
		{"GET v1/projects/{project}/databases", s.listDatabases},
		{"POST v1/projects/{project}/databases", s.createDatabase},
		{"GET " + database, s.describeDatabase},
		{"PATCH " + database, s.updateDatabase},
		{"DELETE " + database, s.deleteDatabase},
		{"GET " + database + "/operations/{operation}", s.poll("projects/%s/databases/%s/operations/%s", "project", "database", "operation")},
	}
}

var databaseID = regexp.MustCompile(`^(\(default\)|[a-z][a-z0-9-]{2,61}[a-z0-9])$`)

func (s *state) listDatabases(*call) (doc, error) {
	var list []doc
	for _, d := range sorted(s.databases) {
		list = append(list, d.doc)
	}
	return doc{"databases": list}, nil
}

func (s *state) createDatabase(in *call) (doc, error) {
	id, location := in.query.Get("databaseId"), in.body.text("locationId")
	switch {
	case !databaseID.MatchString(id):
		return nil, invalid("Invalid database id %q: it is (default), or 4 to 63 lowercase letters, digits and dashes.", id)
	case s.databases[id] != nil:
		return nil, exists("Database already exists. Please use another database_id")
	case !slices.Contains(databaseLocations, location):
		return nil, invalid("Invalid location: '%s'.", location)
	case in.body.text("type") != "FIRESTORE_NATIVE" && in.body.text("type") != "DATASTORE_MODE":
		return nil, invalid("Invalid database type %q.", in.body.text("type"))
	}
	name := "projects/" + s.project.ID + "/databases/" + id
	defaults := doc{"name": name, "deleteProtectionState": "DELETE_PROTECTION_DISABLED", "pointInTimeRecoveryEnablement": "POINT_IN_TIME_RECOVERY_DISABLED", "concurrencyMode": "PESSIMISTIC"}
	s.databases[id] = &database{doc: defaults.with(in.body), fields: make(map[string]doc)}
	return s.keepDatabase(s.databases[id], in.body)
}

func (s *state) describeDatabase(in *call) (doc, error) {
	d, err := s.database(in)
	if err != nil {
		return nil, err
	}
	return d.doc, nil
}

func (s *state) updateDatabase(in *call) (doc, error) {
	d, err := s.database(in)
	if err != nil {
		return nil, err
	}
	return s.keepDatabase(d, d.doc.patch(in.body, in.query.Get("updateMask")))
}

func (s *state) deleteDatabase(in *call) (doc, error) {
	d, err := s.database(in)
	switch etag := in.query.Get("etag"); {
	case err != nil:
		return nil, err
	case etag != "" && etag != d.doc.text("etag"):
		return nil, aborted("The etag %s is not the database's own, %s.", etag, d.doc.text("etag"))
	case d.doc.text("deleteProtectionState") == "DELETE_PROTECTION_ENABLED":
		return nil, precondition("The database '%s' has delete protection enabled. Please disable it before deleting the database.", d.doc.text("name"))
	}
	delete(s.databases, in.vars["database"])
	return s.begin(d.doc.text("name")+"/operations/", nil, d.doc).start(), nil
}

func (s *state) database(in *call) (*database, error) {
	d := s.databases[in.vars["database"]]
	if d == nil {
		return nil, notFound("The database %s does not exist for project %s. Please visit https://console.cloud.google.com/datastore/setup?project=%[2]s to add a Cloud Datastore or Cloud Firestore database.", in.vars["database"], s.project.ID)
	}
	return d, nil
}

// keepDatabase changes a database to have the fields of d too.
func (s *state) keepDatabase(old *database, d doc) (doc, error) {
	s.made++
	old.doc = old.doc.with(d).with(doc{"etag": etag(s.made)})
	return s.begin(old.doc.text("name")+"/operations/", nil, old.doc).start(), nil
}
