package controlplane

import (
	"strings"
	"testing"
)

func TestRefusalsOfDatabases(t *testing.T) {
	const (
		ttl   = `{"ttlConfig":{}}`
		index = `{"apiScope":"DATASTORE_MODE_API","queryScope":"COLLECTION_GROUP","fields":[{"fieldPath":"a","order":"ASCENDING"}]}`
	)
	checkRefusals(t, []refused{
		{"a second database", nil, "POST firestore/" + dataPath + "?databaseId=(default)", `{"type":"DATASTORE_MODE","locationId":"us-central1"}`, 409, "ALREADY_EXISTS", "already exists"},
		{"a database on the moon", nil, "POST firestore/" + dataPath + "?databaseId=moon", `{"type":"DATASTORE_MODE","locationId":"moon"}`, 400, "INVALID_ARGUMENT", "Invalid location: 'moon'"},
		{"a protected database's end", granted("PATCH firestore/"+dataPath+"/(default)?updateMask=deleteProtectionState", `{"deleteProtectionState":"DELETE_PROTECTION_ENABLED"}`), "DELETE firestore/" + dataPath + "/(default)", "", 400, "FAILED_PRECONDITION", "delete protection"},
		{"a database's stale etag", nil, "DELETE firestore/" + dataPath + "/(default)?etag=old", "", 409, "ABORTED", "etag"},
		{"TTL in no database", nil, "PATCH firestore/" + dataPath + "/nix/collectionGroups/Mark/fields/expires?updateMask=ttlConfig", ttl, 404, "NOT_FOUND", "database nix does not exist"},
		{"a second TTL field of a kind", granted("PATCH firestore/"+groupPath+"/fields/expires?updateMask=ttlConfig", ttl), "PATCH firestore/" + groupPath + "/fields/other?updateMask=ttlConfig", ttl, 400, "FAILED_PRECONDITION", "TTL field already"},
		{"a second index", granted("POST firestore/"+groupPath+"/indexes", index), "POST firestore/" + groupPath + "/indexes", index, 409, "ALREADY_EXISTS", "index already exists"},
		{"an index of the other mode", nil, "POST firestore/" + groupPath + "/indexes", strings.Replace(index, "DATASTORE_MODE_API", "ANY_API", 1), 400, "FAILED_PRECONDITION", "api scope"},
		{"a database's id with capitals", nil, "POST firestore/" + dataPath + "?databaseId=Tally", `{"type":"DATASTORE_MODE","locationId":"us-central1"}`, 400, "INVALID_ARGUMENT", "Invalid database id"},
		{"a database of no type", nil, "POST firestore/" + dataPath + "?databaseId=tally", `{"locationId":"us-central1"}`, 400, "INVALID_ARGUMENT", "Invalid database type"},
		{"an index of nothing", nil, "POST firestore/" + groupPath + "/indexes", `{"apiScope":"DATASTORE_MODE_API"}`, 400, "INVALID_ARGUMENT", "no fields"},
		{"an index that is not there", nil, "DELETE firestore/" + groupPath + "/indexes/nix", "", 404, "NOT_FOUND", "Index nix"},
	})
}
