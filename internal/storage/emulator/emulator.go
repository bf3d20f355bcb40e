// Package emulator starts Google's emulators for tests: each at most once in a
// test process, on a free port of this machine, in memory. They share nothing with
// other processes and end with the test process, however it ends.
//
// A test takes a project or a namespace of its own, for they are not emptied
// between tests. Where gcloud's emulators or Java are missing a test is skipped,
// and says so; with CI=true in the environment it fails instead.
package emulator

import (
	"os"
	"sync"
	"testing"
)

// Datastore is the address (host:port) of the Datastore emulator in the mode of
// Firestore in Datastore mode: strongly consistent, transactions are optimistic.
func Datastore(t testing.TB) string {
	t.Helper()
	return address(t, startDatastore)
}

// FirestoreDatastoreMode is the address of the Firestore emulator that speaks
// Datastore: transactions are pessimistic, a wait for a lock ends after 2 s.
func FirestoreDatastoreMode(t testing.TB) string {
	t.Helper()
	return address(t, startFirestoreDatastoreMode)
}

// FirestoreNative is the address of the Firestore emulator.
func FirestoreNative(t testing.TB) string {
	t.Helper()
	return address(t, startFirestoreNative)
}

var (
	startDatastore = sync.OnceValues(func() (string, error) {
		return start(program{
			component: "cloud-datastore-emulator",
			jar:       "CloudDatastore.jar",
			class:     "com.google.cloud.datastore.emulator.CloudDatastore",
			args:      []string{"--store_on_disk=false", "--firestore_in_datastore_mode"},
			folder:    true,
			gcloud:    []string{"beta", "emulators", "datastore", "start", "--project=test", "--no-store-on-disk", "--use-firestore-in-datastore-mode"},
		})
	})
	startFirestoreDatastoreMode = sync.OnceValues(func() (string, error) { return start(firestore("datastore-mode")) })
	startFirestoreNative        = sync.OnceValues(func() (string, error) { return start(firestore("firestore-native")) })
)

func firestore(mode string) program {
	return program{
		component: "cloud-firestore-emulator",
		jar:       "cloud-firestore-emulator.jar",
		class:     "com.google.cloud.datastore.emulator.firestore.CloudFirestore",
		args:      []string{"--database-mode=" + mode},
		gcloud:    []string{"emulators", "firestore", "start", "--database-mode=" + mode},
	}
}

func address(t testing.TB, start func() (string, error)) string {
	t.Helper()
	host, err := start()
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatalf("emulator: %v", err)
	default:
		t.Skipf("emulator: %v", err)
	}
	return host
}
