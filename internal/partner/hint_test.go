package partner

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// keyMade is a key's document, made and ending so long before or after noon; 0 is not known,
// or never.
func keyMade(name string, created, notAfter time.Duration) documentKey {
	at := func(d time.Duration) string {
		if d == 0 {
			return ""
		}
		return noon.Add(d).Format(time.RFC3339)
	}
	return documentKey{Secret: secretOf(name), Created: at(created), NotAfter: at(notAfter)}
}

const (
	aDay  = 24 * time.Hour
	aYear = 365 * aDay
)

func TestHintsSayWhatIsToBeDoneAboutKeys(t *testing.T) {
	const rotate = ": `tallystick partner rotate acme` makes another."
	for _, tt := range []struct {
		name string
		keys []documentKey
		want []string
	}{
		{"a new key", []documentKey{keyMade("1", -aDay, 0)}, nil},
		{"a key of a year", []documentKey{keyMade("1", -aYear, 0)}, nil},
		{"a key of more than a year", []documentKey{keyMade("1", -aYear-time.Second, 0)},
			[]string{"Its key is over a year old, of 2025-11-22 at 11:59 UTC" + rotate}},
		{"a key of more than a year with an end", []documentKey{keyMade("1", -2*aYear, aYear)}, nil},
		{"a key of an age that is not known", []documentKey{keyMade("1", 0, 0)},
			[]string{"It is not known how old its key is: put the time into the document as the key's \"created\", or make another by `tallystick partner rotate acme`."}},
		{"a key of an age that is not known with an end", []documentKey{keyMade("1", 0, aYear)}, nil},

		{"a key that ends in more than 14 days", []documentKey{keyMade("1", -aDay, 14*aDay+time.Second)}, nil},
		{"a key that ends in 14 days", []documentKey{keyMade("1", -aDay, 14*aDay)},
			[]string{"Its last key ends on 2026-12-06 at 12:00 UTC, and then nobody can sign as acme" + rotate}},
		{"a key that ends now", []documentKey{keyMade("1", 0, time.Nanosecond)}, // RFC 3339 has it without the nanosecond
			[]string{"Its last key ends on 2026-11-22 at 12:00 UTC, and then nobody can sign as acme" + rotate}},
		{"a key that has ended", []documentKey{keyMade("1", -2*aYear, -time.Second)},
			[]string{"Its last key ended on 2026-11-22 at 11:59 UTC, so nobody can sign as acme" + rotate}},
		{"keys that have ended", []documentKey{keyMade("1", 0, -aDay), keyMade("2", 0, -2*aDay)},
			[]string{"Its last key ended on 2026-11-21 at 12:00 UTC, so nobody can sign as acme" + rotate}},
		{"no key", nil, []string{"It has no key, so it cannot sign: `tallystick partner rotate acme` makes one."}},

		{"two keys, the older of which ends", []documentKey{keyMade("1", -2*aYear, aDay), keyMade("2", -aDay, 0)},
			[]string{"Two keys are active: have acme sign with the newer one; the older one ends on 2026-11-23 at 12:00 UTC."}},
		{"two keys that do not end", []documentKey{keyMade("1", -2*aYear, 0), keyMade("2", 0, 0)},
			[]string{"Two keys are active, and neither ends: when acme signs with the newer one, give the older one a \"notAfter\" in the document."}},
		{"two keys, the newer of which ends", []documentKey{keyMade("1", -2*aYear, 0), keyMade("2", -aDay, aDay)},
			[]string{"Two keys are active: have acme sign with the older one, which does not end; the newer one ends on 2026-11-23 at 12:00 UTC."}},
		{"two keys, the newer of which ends first", []documentKey{keyMade("1", -aDay, aDay), keyMade("2", -2*aYear, aYear)},
			[]string{"Two keys are active: have acme sign with the older one, which ends on 2027-11-22 at 12:00 UTC; the newer one ends on 2026-11-23 at 12:00 UTC."}},
		{"two keys of one age, one of which ends", []documentKey{keyMade("1", -aDay, aDay), keyMade("2", -aDay, 0)},
			[]string{"Two keys are active: have acme sign with the one that does not end; the other ends on 2026-11-23 at 12:00 UTC."}},
		{"two keys, one of an age that is not known, which ends", []documentKey{keyMade("1", 0, aDay), keyMade("2", -aDay, 0)},
			[]string{"Two keys are active: have acme sign with the one that does not end; the other ends on 2026-11-23 at 12:00 UTC."}},
		{"two keys that end at once", []documentKey{keyMade("1", -aDay, aYear), keyMade("2", -2*aDay, aYear)},
			[]string{"Two keys are active: have acme sign with the newer one; both end on 2027-11-22 at 12:00 UTC."}},
		{"two keys that end soon", []documentKey{keyMade("1", 0, 2*aDay), keyMade("2", 0, aDay)}, []string{
			"Two keys are active: have acme sign with the one that ends on 2026-11-24 at 12:00 UTC; the other ends on 2026-11-23 at 12:00 UTC.",
			"Its last key ends on 2026-11-24 at 12:00 UTC, and then nobody can sign as acme: `tallystick partner rotate acme` makes another, when the first has ended."}},
		{"two keys, one of which ends soon", []documentKey{keyMade("1", 0, aYear), keyMade("2", 0, aDay)},
			[]string{"Two keys are active: have acme sign with the one that ends on 2027-11-22 at 12:00 UTC; the other ends on 2026-11-23 at 12:00 UTC."}},

		{"a key, and others that have ended", []documentKey{keyMade("1", 0, -aDay), keyMade("2", 0, -aYear), keyMade("3", -aDay, 0)},
			[]string{"Keys that have ended: 2. Remove them from the document."}},
		{"an old key, and one that has ended", []documentKey{keyMade("1", -2*aYear, 0), keyMade("2", 0, -aDay)},
			[]string{"Its key is over a year old, of 2024-11-22 at 12:00 UTC" + rotate, "Keys that have ended: 1. Remove them from the document."}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := documentOf("acme")
			d.Keys = tt.keys
			p, _ := d.partner(noon) // one without a key has a fault besides
			got := p.Hints(noon, time.Time{})
			if !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
			wantNoSecret(t, fmt.Sprint(got, p.Keys()), "1", "2", "3")
		})
	}
}

func TestAHintSaysUntilWhenATokenIsAccepted(t *testing.T) {
	with, without := documentOf("acme"), documentOf("acme")
	with.Keys = []documentKey{keyMade("1", -aDay, 0)}
	without.Keys = with.Keys
	with.Legacy = &documentLegacy{Token: tokenOf("acme"), Text: []Text{Raw}}
	const want = `Its token of the old scheme is accepted until 2026-11-23 at 12:00 UTC: have it sign its updates, then remove "legacy" from the document.`
	for _, tt := range []struct {
		name  string
		d     document
		until time.Time
		want  string
	}{
		{"while the old scheme is on", with, noon.Add(aDay), want},
		{"when it has ended", with, noon, ""},
		{"where it is off", with, time.Time{}, ""},
		{"without a token", without, noon.Add(aDay), ""},
	} {
		got := strings.Join(setOf(t, tt.d).All()[0].Hints(noon, tt.until), "\n")
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
		wantNoSecret(t, got, "acme", "1")
	}
}

// TestADocumentSaysWhenItsKeysWereMade: those that add and rotate make, and those before
// them as it was said.
func TestADocumentSaysWhenItsKeysWereMade(t *testing.T) {
	f := newFolder(t)
	keys := func() []Key {
		t.Helper()
		folder, err := Open(f.dir, f.clock.Now)
		if err != nil {
			t.Fatal(err)
		}
		s, err := folder.Partners()
		if err != nil {
			t.Fatal(err)
		}
		return s.All()[0].Keys()
	}
	if _, err := Add(f.dir, Draft{ID: "acme"}, noon); err != nil {
		t.Fatal(err)
	}
	if got, want := keys(), []Key{{Created: noon}}; !slices.Equal(got, want) {
		t.Errorf("added: %v, want %v", got, want)
	}
	if _, err := Rotate(f.dir, "acme", aDay, noon.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got, want := keys(), []Key{{noon, noon.Add(25 * time.Hour)}, {Created: noon.Add(time.Hour)}}; !slices.Equal(got, want) {
		t.Errorf("rotated: %v, want %v", got, want)
	}
}
