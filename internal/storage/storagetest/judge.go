package storagetest

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// judging is how long porcupine may look at a history. Where several outcomes are unknown
// there may be too many orders to try.
const judging = 20 * time.Second

// Judge lets porcupine judge a history, in which so many outcomes are unknown, and says
// whether it could.
func Judge(t *testing.T, model porcupine.Model, history []porcupine.Operation, unknown int, want porcupine.CheckResult) bool {
	t.Helper()
	got, info := porcupine.CheckOperationsVerbose(model, history, judging)
	switch got {
	case want:
		return true
	case porcupine.Unknown:
		t.Logf("porcupine cannot judge %d operations, %d of unknown outcome, in %v", len(history), unknown, judging)
		return false
	}
	t.Errorf("porcupine says %s of %d operations, %d of unknown outcome; want %s", got, len(history), unknown, want)
	path := fmt.Sprintf("%s/history%d.html", t.ArtifactDir(), rand.Int32()) // kept with -artifacts
	if err := porcupine.VisualizePath(model, info, path); err != nil {
		t.Error(err)
	}
	return true
}
