package partner

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestWhatCannotBeSigned(t *testing.T) {
	for _, tt := range []struct {
		secret, id string
		at         time.Time
		want       string // in the error; empty: none
	}{
		{secretOf("one"), "msg_1", noon, ""},
		{"", "msg_1", noon, "a secret is whsec_"},
		{strings.TrimPrefix(secretOf("one"), secretPrefix), "msg_1", noon, "a secret is whsec_"},
		{secretOf("one") + "\n", "msg_1", noon, "a secret is whsec_"},
		{secretOf("one"), "", noon, "webhook-id has 1 to 64"},
		{secretOf("one"), "msg.1", noon, "webhook-id has 1 to 64"},
		{secretOf("one"), "msg_1", time.Time{}, "webhook-timestamp is"},
		{secretOf("one"), "msg_1", time.Unix(999999999, 0), "webhook-timestamp is"},
	} {
		_, err := Sign(tt.secret, tt.id, tt.at, nil)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q at %v: error %v, want %q", tt.id, tt.at, err, tt.want)
		}
		if err != nil {
			wantNoSecret(t, err.Error(), "one")
		}
	}
}

func TestANewSecretIsOneThatNobodyHas(t *testing.T) {
	seen := make(map[secret]bool)
	for range 1000 {
		s, err := parseSecret(NewSecret())
		if err != nil || seen[s] {
			t.Fatalf("%v, or it was there before: %v", err, seen[s])
		}
		seen[s] = true
	}
}

// accepts says whether a folder's partner may sign with a secret.
func (f *folderFixture) accepts(id, secret string) bool {
	f.Helper()
	s, err := f.folder.Partners()
	if err != nil {
		f.Fatal(err)
	}
	now := f.clock.Now()
	signature, err := Sign(secret, "msg_1", now, nil)
	if err != nil {
		f.Fatal(err)
	}
	_, err = s.Verify(Signed{Partner: id, ID: "msg_1", Timestamp: fmt.Sprint(now.Unix()), Signature: signature}, now)
	return err == nil
}

// wantOnly wants a folder to have these files, each for its owner only.
func (f *folderFixture) wantOnly(names ...string) {
	f.Helper()
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		f.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
		info, err := os.Stat(filepath.Join(f.dir, e.Name()))
		if err != nil || info.Mode() != 0o600 {
			f.Errorf("%s has the mode %v, %v, want 0600", e.Name(), info.Mode(), err)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(names) {
		f.Errorf("the folder has %q, want %q", got, names)
	}
}

func TestAPartnerThatIsAddedMaySend(t *testing.T) {
	f := newFolder(t)
	secret, err := Add(f.dir, Draft{ID: "acme", Types: []string{"stock.*"}, SKUs: []string{"ACME-*", "B*"}, Token: tokenOf("acme"), Texts: []Text{Python}}, noon)
	if err != nil {
		t.Fatal(err)
	}
	f.wantOnly("acme.json")
	f.clock.pass(time.Minute)
	f.want("[acme]")
	if !f.accepts("acme", secret) {
		t.Error("its signature is refused")
	}
	s, _ := f.folder.Partners()
	p := s.All()[0]
	if got, want := fmt.Sprint(p.Types, p.SKUs, p.Texts)+string(p.token), "[stock.*] [ACME-* B*] [python]"+tokenOf("acme"); got != want {
		t.Errorf("it is %s, want %s", got, want)
	}
	other, err := Add(f.dir, Draft{ID: "other"}, noon)
	if err != nil || other == secret {
		t.Fatalf("another partner: %v; its secret is the first's: %v", err, other == secret)
	}
	f.wantOnly("acme.json", "other.json")
}

func TestAddMakesTheFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "partners")
	if _, err := Add(dir, Draft{ID: "acme"}, noon); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder has the mode %v, %v, want 0700", info.Mode(), err)
	}
}

func TestWhatIsNotAdded(t *testing.T) {
	old := documentOfOld("old", Raw)
	for _, tt := range []struct {
		name    string
		prepare func(f *folderFixture)
		draft   Draft
		want    string // in the error
	}{
		{"a partner that is there", nil, Draft{ID: "acme"}, "acme.json: there is a partner acme; `tallystick partner rotate` gives it a new secret"},
		{"one whose file has another name", func(f *folderFixture) { f.rename(filepath.Join(f.dir, "acme.json"), filepath.Join(f.dir, "x.json")) }, Draft{ID: "acme"}, "x.json: there is a partner acme"},
		{"one whose file is there", nil, Draft{ID: "taken"}, "taken.json: there is such a file, of another partner"},
		{"an id that cannot be", nil, Draft{ID: "../x"}, "/id: it has 1 to 63"},
		{"a type that is none", nil, Draft{ID: "b", Types: []string{"x"}}, "/types/0: it is none of"},
		{"a token without a text", nil, Draft{ID: "b", Token: tokenOf("b")}, "/legacy/text: it is a list of some of"},
		{"a token that another has", nil, Draft{ID: "b", Token: tokenOf("old"), Texts: []Text{Raw}}, "old.json too: give one of them another"},
		{"a folder with a fault", func(f *folderFixture) { writeFile(f, "{", f.dir, "broken.json") }, Draft{ID: "b"}, "broken.json: not JSON"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFolder(t, documentOf("acme", "one"), old)
			writeFile(t, textOf(t, documentOf("elsewhere", "two")), f.dir, "taken.json")
			if tt.prepare != nil {
				tt.prepare(f)
			}
			before := f.files()
			secret, err := Add(f.dir, tt.draft, noon)
			if err == nil || secret != "" || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("secret %q, error %v, want %q", secret, err, tt.want)
			}
			if got := f.files(); got != before {
				t.Errorf("the folder has now\n%s\nwant it as before:\n%s", got, before)
			}
			wantNoSecret(t, fmt.Sprint(err), "one", "two", "old", "b")
		})
	}
}

// files is all that the folder has.
func (f *folderFixture) files() string {
	f.Helper()
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		f.Fatal(err)
	}
	var all strings.Builder
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(f.dir, e.Name()))
		if err != nil {
			f.Fatal(err)
		}
		fmt.Fprintf(&all, "%s %s\n", e.Name(), b)
	}
	return all.String()
}

// TestARotationRefusesNoUpdate: the partner sends every ten seconds, and takes each new
// secret at its leisure.
func TestARotationRefusesNoUpdate(t *testing.T) {
	const step, overlap = 10 * time.Second, 24 * time.Hour
	f := newFolder(t, documentOf("acme", "first"))
	before, current := "", secretOf("first")
	sendFor := func(d time.Duration) {
		for ; d > 0; d -= step {
			if !f.accepts("acme", current) {
				t.Fatalf("an update is refused at %v", f.clock.Now())
			}
			f.clock.pass(step)
		}
	}
	for _, after := range []time.Duration{rereadEvery, 12 * time.Hour, overlap} {
		next, err := Rotate(f.dir, "acme", overlap, f.clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		sendFor(after)
		before, current = current, next
		sendFor(25*time.Hour - after)
		if f.accepts("acme", before) {
			t.Error("a secret is good for longer than the overlap")
		}
	}
	f.wantOnly("acme.json")
	f.wantComplaints(0)
}

func TestRotationEndsTheKeysBefore(t *testing.T) {
	key := func(name string, end time.Duration) documentKey {
		k := documentKey{Secret: secretOf(name)}
		if end != 0 {
			k.NotAfter = noon.Add(end).Format(time.RFC3339)
		}
		return k
	}
	for _, tt := range []struct {
		name    string
		keys    []documentKey
		overlap time.Duration
		want    []documentKey // before the new one
		err     string
	}{
		{"one without an end", []documentKey{key("a", 0)}, 24 * time.Hour, []documentKey{key("a", 24*time.Hour)}, ""},
		{"one that ends later", []documentKey{key("a", 48*time.Hour)}, 24 * time.Hour, []documentKey{key("a", 24*time.Hour)}, ""},
		{"one that ends sooner", []documentKey{key("a", time.Hour)}, 24 * time.Hour, []documentKey{key("a", time.Hour)}, ""},
		{"some that have ended", []documentKey{key("a", -time.Second), key("b", 0), key("c", -time.Hour)}, time.Hour, []documentKey{key("b", time.Hour)}, ""},
		{"at once", []documentKey{key("a", 0)}, 0, nil, ""},
		{"two", []documentKey{key("a", 3*time.Hour), key("b", 0)}, 24 * time.Hour, nil, "two keys are active, and a third cannot be: wait until 2026-11-22T15:00:00Z"},
		{"two at once", []documentKey{key("a", time.Hour), key("b", 0)}, 0, nil, ""},
		{"no key, but the old scheme", nil, time.Hour, nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := documentOf("acme")
			d.Keys, d.Legacy = tt.keys, &documentLegacy{Token: tokenOf("acme"), Text: allTexts}
			f := newFolder(t, d, documentOf("other", "other"))
			before := f.files()
			secret, err := Rotate(f.dir, "acme", tt.overlap, noon)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) || f.files() != before || secret != "" {
					t.Errorf("error %v, want %q, and all files as before:\n%s", err, tt.err, f.files())
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			d.Keys = append(tt.want, documentKey{Secret: secret, Created: "2026-11-22T12:00:00Z"})
			want := "acme.json " + textOf(t, d) + "\nother.json " + textOf(t, documentOf("other", "other")) + "\n"
			if got := f.files(); got != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func TestRotationNeedsThePartner(t *testing.T) {
	f := newFolder(t, documentOf("acme", "one"))
	if _, err := Rotate(f.dir, "other", 0, noon); err == nil || !strings.Contains(err.Error(), "there is no partner \"other\"") {
		t.Errorf("error %v, want that there is none", err)
	}
	writeFile(t, "{", f.dir, "broken.json")
	if _, err := Rotate(f.dir, "acme", 0, noon); err == nil || !strings.Contains(err.Error(), "broken.json: not JSON") {
		t.Errorf("error %v, want the fault of another document", err)
	}
}

func TestRotationLeavesALinkALink(t *testing.T) {
	f, elsewhere := newFolder(t), t.TempDir()
	writeFile(t, textOf(t, documentOf("acme", "one")), elsewhere, "target.json")
	link := filepath.Join(f.dir, "acme.json")
	if err := os.Symlink(filepath.Join(elsewhere, "target.json"), link); err != nil {
		t.Fatal(err)
	}
	secret, err := Rotate(f.dir, "acme", time.Hour, noon)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("it is no link any more: %v, %v", info, err)
	}
	f.clock.pass(time.Minute)
	if !f.accepts("acme", secret) || !f.accepts("acme", secretOf("one")) {
		t.Error("one of the two secrets is refused")
	}
}
