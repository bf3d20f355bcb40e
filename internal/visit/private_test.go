package visit

import (
	"errors"
	"strings"
	"testing"

	"github.com/tallystick/tallystick/internal/storage"
)

// TestAFailureDoesNotNameThePage: its error goes to the log, and a page's path may name
// a person.
func TestAFailureDoesNotNameThePage(t *testing.T) {
	const page Page = "/user/anna"
	f := on(t, &failing{Store: openStore(t), err: storage.ErrUnavailable}, newClock(), Options{})
	private := person(1)
	private.Private = true // needs no salt, so it is the page that fails
	_, count := f.Service.Count(t.Context(), Request{Page: page, Visitor: private})
	_, remove := f.Service.Delete(t.Context(), page)
	for name, err := range map[string]error{
		"Count":  count,
		"Set":    f.Set(t.Context(), page, Tally{1, 1}),
		"Delete": remove,
		"Import": f.Import(t.Context(), []View{{Page: page, Tally: Tally{1, 1}}}),
	} {
		if !errors.Is(err, storage.ErrUnavailable) || strings.Contains(err.Error(), "anna") {
			t.Errorf("%s: %v, want ErrUnavailable and no page", name, err)
		}
	}
}
