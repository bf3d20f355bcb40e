package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tallystick/tallystick/internal/archive"
	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/datastore"
)

// kinds are all, those of a collection with * for its name.
func kinds() []storage.Kind { return archive.Kinds("*") }

func kindsTable() string {
	var b strings.Builder
	b.WriteString(generatedBy + `# The kinds of entities, and whether those of a kind expire: a TTL policy removes them
# then. * is the name of a collection of records.
`)
	for _, k := range kinds() {
		expires := orNone("")
		if k.Expires {
			expires = "expires"
		}
		fmt.Fprintf(&b, "%s\t%s\n", k.Name, expires)
	}
	return b.String()
}

// indexes is what Datastore needs, in the form of gcloud datastore indexes create.
// Firestore serves the same queries by its own indexes.
func indexes() string {
	const head = "indexes:\n"
	var all []string
	for _, k := range kinds() {
		for _, q := range k.Indexes {
			if index := datastore.Index(q); index != "" {
				all = append(all, strings.TrimPrefix(index, head))
			}
		}
	}
	slices.Sort(all)
	return generatedBy + "# The composite indexes of the queries in the code.\n" + head + strings.Join(slices.Compact(all), "")
}
