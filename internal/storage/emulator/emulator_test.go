package emulator_test

import (
	"net/http"
	"testing"

	"github.com/tallystick/tallystick/internal/storage/emulator"
)

func TestEachEmulatorAnswersOnceStarted(t *testing.T) {
	addresses := map[string]string{}
	for name, start := range map[string]func(testing.TB) string{
		"Datastore":              emulator.Datastore,
		"FirestoreDatastoreMode": emulator.FirestoreDatastoreMode,
		"FirestoreNative":        emulator.FirestoreNative,
	} {
		t.Run(name, func(t *testing.T) {
			host := start(t)
			reply, err := http.Get("http://" + host + "/")
			if err != nil {
				t.Fatal(err)
			}
			reply.Body.Close()
			if again := start(t); again != host {
				t.Errorf("the second call got %s, want %s again", again, host)
			}
			if other, taken := addresses[host]; taken {
				t.Errorf("%s is %s's too", host, other)
			}
			addresses[host] = name
		})
	}
}
