package partner

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// log is what has been logged since the test began.
type log struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func captureLog(t *testing.T) *log {
	t.Helper()
	l, before := new(log), slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(l, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	return l
}

// folderFixture is a folder that is read by a clock.
type folderFixture struct {
	*testing.T
	dir    string
	clock  clock
	folder *Folder
	log    *log
}

// newFolder opens a folder with these documents, each in a file of its id.
func newFolder(t *testing.T, documents ...document) *folderFixture {
	t.Helper()
	f := &folderFixture{T: t, dir: t.TempDir(), log: captureLog(t)}
	for _, d := range documents {
		writeFile(t, textOf(t, d), f.dir, d.ID+".json")
	}
	var err error
	if f.folder, err = Open(f.dir, f.clock.Now); err != nil {
		t.Fatal(err)
	}
	return f
}

// want wants these partners, as fmt.Sprint prints them.
func (f *folderFixture) want(want string) {
	f.Helper()
	s, err := f.folder.Partners()
	if err != nil {
		f.Fatalf("at %v: %v, want %s", f.clock.Now(), err, want)
	}
	if got := fmt.Sprint(s.All()); got != want {
		f.Fatalf("at %v: partners %s, want %s", f.clock.Now(), got, want)
	}
}

func (f *folderFixture) wantUnavailable() {
	f.Helper()
	if s, err := f.folder.Partners(); s != nil || !errors.Is(err, ErrUnavailable) {
		f.Fatalf("at %v: %v, %v, want ErrUnavailable", f.clock.Now(), s, err)
	}
}

// wantComplaints wants so many tries to have failed, and been logged.
func (f *folderFixture) wantComplaints(want int) {
	f.Helper()
	if got := strings.Count(f.log.String(), "partners cannot be read"); got != want {
		f.Fatalf("at %v: %d tries are logged, want %d:\n%s", f.clock.Now(), got, want, f.log)
	}
}

func (f *folderFixture) remove(name string) {
	f.Helper()
	if err := os.Remove(filepath.Join(f.dir, name)); err != nil {
		f.Fatal(err)
	}
}

func TestNoFolderHasNoPartners(t *testing.T) {
	var c clock
	f, err := Open("", c.Now)
	if err != nil {
		t.Fatal(err)
	}
	c.pass(time.Hour)
	s, err := f.Partners()
	if err != nil || len(s.All()) != 0 {
		t.Fatalf("partners %v, %v, want none", s, err)
	}
	wantVerdict(t, s, signed(t, "acme", "one", noon, "{}"), noon, ErrSignature)
}

func TestAFolderIsReadAgainAfter60Seconds(t *testing.T) {
	f := newFolder(t, documentOf("acme", "one"))
	writeFile(t, textOf(t, documentOf("other", "two")), f.dir, "other.json")
	f.clock.pass(60*time.Second - 1)
	f.want("[acme]")
	f.clock.pass(1)
	f.want("[acme other]")

	f.remove("acme.json")
	f.clock.pass(59 * time.Second)
	f.want("[acme other]")
	f.clock.pass(time.Second)
	f.want("[other]")

	f.clock.pass(100 * time.Hour) // nobody asks, and so nobody reads
	f.remove("other.json")
	f.want("[]")
	f.wantComplaints(0)
}

func TestWhenTheFolderIsGoneAllPartnersAreKeptForTenMinutes(t *testing.T) {
	f := newFolder(t, documentOf("acme", "one"))
	f.clock.pass(30 * time.Second)
	f.rename(f.dir, f.dir+".gone")
	for minute := 1; minute <= 9; minute++ {
		f.clock.pass(time.Minute)
		f.want("[acme]")
		f.want("[acme]")
		f.wantComplaints(minute)
	}
	f.clock.pass(30 * time.Second)
	f.want("[acme]") // ten minutes to the nanosecond, and 30 seconds after the last try
	f.wantComplaints(9)
	f.clock.pass(1)
	f.wantUnavailable()
	f.wantComplaints(10)
	f.clock.pass(time.Minute - 1)
	f.wantUnavailable()
	f.wantComplaints(10)

	f.rename(f.dir+".gone", f.dir)
	f.wantUnavailable() // until it is tried again
	f.clock.pass(1)
	f.want("[acme]")
	wantNoSecret(t, f.log.String(), "one")
}

// TestADocumentWithAFaultIsKeptForTenMinutes as it was when it was last read well, and
// then only its partner is gone.
func TestADocumentWithAFaultIsKeptForTenMinutes(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spoil func(f *folderFixture)
	}{
		{"no JSON", func(f *folderFixture) { writeFile(f, `{"id":`, f.dir, "below", "other.json") }},
		{"an id that cannot be", func(f *folderFixture) { writeFile(f, `{"id":"/"}`, f.dir, "below", "other.json") }},
		{"another's secret", func(f *folderFixture) {
			writeFile(f, textOf(f, documentOf("other", "new", "one")), f.dir, "below", "other.json")
		}},
		{"another's id", func(f *folderFixture) {
			writeFile(f, textOf(f, documentOf("acme", "new")), f.dir, "below", "other.json")
		}},
		{"a link to nowhere", func(f *folderFixture) {
			f.remove("below/other.json")
			if err := os.Symlink("nowhere", filepath.Join(f.dir, "below", "other.json")); err != nil {
				f.Fatal(err)
			}
		}},
		{"a folder that cannot be listed", func(f *folderFixture) {
			f.rename(filepath.Join(f.dir, "below"), f.dir+".gone")
			if err := os.Symlink("nowhere", filepath.Join(f.dir, "below")); err != nil {
				f.Fatal(err)
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFolder(t, documentOf("acme", "one"))
			writeFile(t, textOf(t, documentOf("other", "two")), f.dir, "below", "other.json")
			f.clock.pass(time.Minute)
			f.want("[acme other]")
			tt.spoil(f)
			for minute := 1; minute <= 9; minute++ {
				f.clock.pass(time.Minute)
				f.want("[acme other]")
				f.wantComplaints(minute)
			}
			f.clock.pass(59 * time.Second)
			writeFile(t, textOf(t, documentOf("third", "three")), f.dir, "third.json")
			f.clock.pass(time.Second)
			f.want("[acme other third]") // the others go on
			if !f.accepts("other", secretOf("two")) || f.accepts("other", secretOf("new")) || f.accepts("acme", secretOf("new")) {
				t.Error("it is not as it was when it was last read well")
			}
			f.clock.pass(1)
			f.want("[acme third]")
			if f.accepts("other", secretOf("two")) {
				t.Error("it is accepted after ten minutes")
			}
			f.clock.pass(time.Hour)
			f.want("[acme third]")
			wantNoSecret(t, f.log.String(), "one", "two", "three", "new")

			if err := os.RemoveAll(filepath.Join(f.dir, "below")); err != nil {
				t.Fatal(err)
			}
			writeFile(t, textOf(t, documentOf("other", "four")), f.dir, "below", "other.json")
			f.clock.pass(time.Minute)
			f.want("[acme other third]")
			if !f.accepts("other", secretOf("four")) {
				t.Error("once mended, it is not accepted")
			}
		})
	}
}

// TestTheDocumentsThatChangedAreRefusedWhenTheyClash, and the others stay.
func TestTheDocumentsThatChangedAreRefusedWhenTheyClash(t *testing.T) {
	for _, tt := range []struct {
		name    string
		changed []document
		want    string // who signs with which key
	}{
		{"one takes another's secret", []document{documentOf("a", "2")}, "a:1 b:2 c:3"},
		{"two take the same", []document{documentOf("a", "4"), documentOf("b", "4")}, "a:1 b:2 c:3"},
		{"two new ones have the same", []document{documentOf("x", "4"), documentOf("y", "4")}, "a:1 b:2 c:3"},
		{"a new one has another's", []document{documentOf("a0", "1")}, "a:1 b:2 c:3"},
		{"two exchange theirs", []document{documentOf("a", "2"), documentOf("b", "1")}, "a:2 b:1 c:3"},
		{"one takes what another, refused, would have left", []document{documentOf("a", "2"), documentOf("b", "3")}, "a:1 b:2 c:3"},
		{"one has it twice, another is well", []document{documentOf("a", "4", "4"), documentOf("b", "5")}, "a:1 b:5 c:3"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFolder(t, documentOf("a", "1"), documentOf("b", "2"), documentOf("c", "3"))
			for _, d := range tt.changed {
				writeFile(t, textOf(t, d), f.dir, d.ID+".json")
			}
			f.clock.pass(time.Minute)
			f.want("[a b c]")
			var got []string
			for _, id := range []string{"a", "b", "c"} {
				for _, key := range []string{"1", "2", "3", "4", "5"} {
					if f.accepts(id, secretOf(key)) {
						got = append(got, id+":"+key)
					}
				}
			}
			if got := strings.Join(got, " "); got != tt.want {
				t.Errorf("keys %s, want %s", got, tt.want)
			}
		})
	}
}

func (f *folderFixture) rename(from, to string) {
	f.Helper()
	if err := os.Rename(from, to); err != nil {
		f.Fatal(err)
	}
}

// TestPartnersOfLongAgoAreNobodys: between two calls a function may sleep for hours.
func TestPartnersOfLongAgoAreNobodys(t *testing.T) {
	f := newFolder(t, documentOf("acme", "one"))
	writeFile(t, "{", f.dir, "acme.json")
	f.clock.pass(2 * time.Hour)
	f.want("[]")
	f.wantComplaints(1)
	f.rename(f.dir, f.dir+".gone")
	f.clock.pass(2 * time.Hour)
	f.wantUnavailable()
	f.wantComplaints(2)
}

// TestWhatIsDueIsWaitedFor by all, and read by one of them: a new key is not refused to
// those who come at that moment.
func TestWhatIsDueIsWaitedFor(t *testing.T) {
	const callers = 20
	f := newFolder(t, documentOf("acme", "one"))
	wantAll := func(want string) {
		t.Helper()
		f.folder.reading.Lock()
		before := f.clock.reads.Load()
		got := make(chan string)
		for range callers {
			go func() {
				s, err := f.folder.Partners()
				if err != nil {
					got <- err.Error()
					return
				}
				got <- fmt.Sprint(s.All())
			}()
		}
		for f.clock.reads.Load() < before+callers { // each has seen that it is due
			runtime.Gosched()
		}
		f.folder.reading.Unlock()
		for range callers {
			if got := <-got; got != want {
				t.Errorf("who waited has %s, want %s", got, want)
			}
		}
	}
	writeFile(t, "{", f.dir, "acme.json")
	f.clock.pass(keepFor + 1)
	wantAll("[]")
	f.wantComplaints(1)

	writeFile(t, textOf(t, documentOf("acme", "one")), f.dir, "acme.json")
	writeFile(t, textOf(t, documentOf("other", "two")), f.dir, "other.json")
	f.clock.pass(rereadEvery)
	wantAll("[acme other]")

	writeFile(t, textOf(t, documentOf("third", "three")), f.dir, "third.json")
	f.clock.pass(rereadEvery)
	wantAll("[acme other third]")
}

func TestManyCallersReadOnce(t *testing.T) {
	f := newFolder(t, documentOf("acme", "one"))
	writeFile(t, "{", f.dir, "acme.json")
	for minute := 1; minute <= 9; minute++ {
		f.clock.pass(time.Minute)
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if s, err := f.folder.Partners(); err != nil || fmt.Sprint(s.All()) != "[acme]" {
					t.Errorf("partners %v, %v, want those of before", s, err)
				}
			})
		}
		all.Wait()
		f.wantComplaints(minute)
	}
}

func TestWhichFilesAreDocuments(t *testing.T) {
	dir := t.TempDir()
	doc := func(id string) string { return textOf(t, documentOf(id, id)) }
	writeFile(t, doc("plain"), dir, "plain.json")
	writeFile(t, doc("another-id"), dir, "name.json")
	writeFile(t, doc("below"), dir, "below", "secret.json")
	writeFile(t, doc("in-json"), dir, "folder.json", "x.json")
	writeFile(t, doc("too-deep"), dir, "below", "below", "x.json")
	writeFile(t, "{", dir, "below", ".hidden.json")
	writeFile(t, "{", dir, ".hidden.json")
	writeFile(t, "{", dir, ".hidden", "x.json")
	writeFile(t, "{", dir, "README.md")
	writeFile(t, "{", dir, "x.json~")
	writeFile(t, doc("linked"), t.TempDir(), "target")
	f, err := Open(dir, new(clock).Now)
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.Partners()
	if got, want := fmt.Sprint(s.All()), "[another-id below in-json plain]"; err != nil || got != want {
		t.Errorf("partners %s, %v, want %s", got, err, want)
	}
}

// TestAMountedSecretIsExchangedAtOnce, as Kubernetes and Cloud Run do it: the files are
// links through ..data, which becomes a link to another folder.
func TestAMountedSecretIsExchangedAtOnce(t *testing.T) {
	for _, mount := range []string{".", "acme"} { // all partners in one secret, and each in its own
		t.Run(mount, func(t *testing.T) {
			f := newFolder(t)
			point := func(version string, documents ...document) {
				t.Helper()
				for _, d := range documents {
					writeFile(t, textOf(t, d), f.dir, mount, version, d.ID+".json")
				}
				link := filepath.Join(f.dir, mount, "..data")
				if err := os.Symlink(version, link+"_tmp"); err != nil {
					t.Fatal(err)
				}
				f.rename(link+"_tmp", link)
			}
			wantKey := func(key string) {
				t.Helper()
				f.want("[acme]")
				s, _ := f.folder.Partners()
				wantVerdict(t, s, signed(t, "acme", key, f.clock.Now(), "{}"), f.clock.Now(), nil)
			}
			point("..2026_1", documentOf("acme", "one"))
			if err := os.Symlink(filepath.Join("..data", "acme.json"), filepath.Join(f.dir, mount, "acme.json")); err != nil {
				t.Fatal(err)
			}
			f.clock.pass(time.Minute)
			wantKey("one")
			point("..2026_2", documentOf("acme", "two"))
			wantKey("one")
			f.clock.pass(time.Minute)
			wantKey("two")
			f.wantComplaints(0)
		})
	}
}

// TestEveryFaultOfEveryFileIsSaidAtTheStart, and keeps out nobody but whose document it is:
// of two that cannot be beside each other nobody knows which is right.
func TestEveryFaultOfEveryFileIsSaidAtTheStart(t *testing.T) {
	captureLog(t)
	withToken := func(id, key, token string) document {
		d := documentOf(id, key)
		d.Legacy = &documentLegacy{Token: tokenOf(token), Text: []Text{Raw}}
		return d
	}
	padded, bare := documentOf("padded"), documentOf("bare")
	bare.Keys = []documentKey{{Secret: "whsec_" + strings.Repeat("QUJD", 8)}}
	padded.Keys = []documentKey{{Secret: "whsec_" + strings.Repeat("QUJD", 8) + "AAAA"}} // three zeros more
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  []string // lines of what is wrong, of which DIR is the folder
		stay  string   // the partners that are left, besides one who is always well
	}{
		{
			"two faults of one file and one of another",
			map[string]string{"a.json": `{"id":"A"}`, "b.json": `{"id":"b"`, "c.json": textOf(t, documentOf("c", "c"))},
			[]string{"DIR/a.json: /id: it has 1 to 63", "DIR/a.json: /keys: there is neither", "DIR/b.json: not JSON"},
			"c ",
		},
		{
			"an id twice",
			map[string]string{"a.json": textOf(t, documentOf("acme", "one")), "b/b.json": textOf(t, documentOf("acme", "two"))},
			[]string{"DIR/b/b.json: its id is that of DIR/a.json too"}, "",
		},
		{
			"a secret of two partners",
			map[string]string{"a.json": textOf(t, documentOf("a", "one", "two")), "b.json": textOf(t, documentOf("b", "three", "two"))},
			[]string{"DIR/b.json: one of its secrets is that of DIR/a.json too"}, "",
		},
		{
			"a secret that is another's with zeros after it, which HMAC does not tell apart",
			map[string]string{"a.json": textOf(t, bare), "b.json": textOf(t, padded)},
			[]string{"DIR/b.json: one of its secrets is that of DIR/a.json too"}, "",
		},
		{
			"a secret twice",
			map[string]string{"a.json": textOf(t, documentOf("a", "one", "one"))},
			[]string{"DIR/a.json: one of its secrets is in it twice"}, "",
		},
		{
			"a token of two partners",
			map[string]string{"a.json": textOf(t, withToken("a", "one", "token")), "b.json": textOf(t, withToken("b", "two", "token"))},
			[]string{"DIR/b.json: its token of the old scheme is that of DIR/a.json too"}, "",
		},
		{
			"a short secret",
			map[string]string{"a.json": `{"id":"a","keys":[{"secret":"whsec_c2hvcnQgc2VjcmV0"}]}`},
			[]string{"DIR/a.json: /keys/0/secret: a secret is whsec_ followed by the standard base64 of 24 to 64 bytes"}, "",
		},
		{
			"64 KiB and a byte",
			map[string]string{
				"a.json": fmt.Sprintf("%-*s", 64<<10, textOf(t, documentOf("a", "one"))),
				"b.json": fmt.Sprintf("%-*s", 64<<10+1, textOf(t, documentOf("b", "two"))),
			},
			[]string{"DIR/b.json: it has over 64 KiB"}, "a ",
		},
		{
			"a copy of a document that is broken",
			map[string]string{"a.json": `{"id":"a",`, "a-old.json": textOf(t, documentOf("a", "one"))},
			[]string{"DIR/a.json: not JSON", "DIR/a-old.json: its id may be that of DIR/a.json too, which cannot be read"}, "",
		},
		{
			"a copy of a document that cannot be, of another name",
			map[string]string{"new.json": `{"id":"a","keys":[]}`, "a.json": textOf(t, documentOf("a", "one"))},
			[]string{"DIR/new.json: /keys: there is neither", "DIR/a.json: its id may be that of DIR/new.json too"}, "",
		},
		{
			"a copy of what lies in a folder of its own",
			map[string]string{"a/a.json": ``, "b/b.json": textOf(t, documentOf("a", "one"))},
			[]string{"DIR/a/a.json: it is empty", "DIR/b/b.json: its id may be that of DIR/a/a.json too"}, "",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range tt.files {
				writeFile(t, text, dir, name)
			}
			writeFile(t, textOf(t, documentOf("well", "well")), dir, "well.json")
			log := captureLog(t)
			folder, err := Open(dir, new(clock).Now)
			if err != nil {
				t.Fatal(err)
			}
			s, err := folder.Partners()
			if err != nil {
				t.Fatal(err)
			}
			if got, want := fmt.Sprint(s.All()), "["+tt.stay+"well]"; got != want || !s.ReadTime.IsZero() {
				t.Errorf("the partners are %s, all read at %v, want %s and never", got, s.ReadTime, want)
			}
			if s.Wrong == nil {
				t.Fatal("nothing is said to be wrong")
			}
			wrong := s.Wrong.Error()
			lines := strings.Split(wrong, "\n")
			for i, want := range tt.want {
				if want = strings.ReplaceAll(want, "DIR", dir); len(lines) != len(tt.want) || !strings.HasPrefix(lines[i], want) {
					t.Errorf("got:\n%v\nwant a line that begins with %s, and %d lines", wrong, want, len(tt.want))
				}
			}
			folder.LogWrong()
			for _, said := range []string{wrong, log.String()} {
				if !strings.Contains(said, ".json: ") {
					t.Errorf("%q is said, want which document it is", said)
				}
				wantNoSecret(t, said, "one", "two", "three", "token")
				if strings.Contains(said, "c2hvcnQ") || strings.Contains(said, "QUJD") {
					t.Errorf("%v: it quotes a secret", said)
				}
			}
		})
	}
}

func TestWhatIsNoFileIsAFault(t *testing.T) {
	dir := t.TempDir()
	if err := errors.Join(os.Symlink("nowhere", filepath.Join(dir, "a.json")), os.Symlink(os.DevNull, filepath.Join(dir, "b.json"))); err != nil {
		t.Fatal(err)
	}
	s, err := Read(dir, noon)
	if err != nil || !errors.Is(s.Wrong, fs.ErrNotExist) || !strings.Contains(s.Wrong.Error(), filepath.Join(dir, "b.json")+": it is not a file") {
		t.Errorf("%v, error %v, want the link to nowhere and the device to be named", s, err)
	}
	_, err = Open(filepath.Join(dir, "none"), new(clock).Now)
	if err == nil || !strings.Contains(err.Error(), filepath.Join(dir, "none")+": there is no such folder") {
		t.Errorf("error %v, want that there is no such folder", err)
	}
}

func TestAFolderHasAThousandPartners(t *testing.T) {
	dir := t.TempDir()
	for i := range maxPartners {
		id := fmt.Sprint("p", i)
		writeFile(t, textOf(t, documentOf(id, id)), dir, id+".json")
	}
	captureLog(t)
	var c clock
	folder, err := Open(dir, c.Now)
	if err != nil {
		t.Fatal(err)
	}
	want := func(what string, first, last string) {
		t.Helper()
		s, err := folder.Partners()
		if err != nil {
			t.Fatal(err)
		}
		all := s.All()
		if len(all) != maxPartners || all[0].ID != first || all[len(all)-1].ID != last {
			t.Errorf("%s: %d partners from %s to %s, want %d from %s to %s", what, len(all), all[0], all[len(all)-1], maxPartners, first, last)
		}
		if (what == "as many as may be") != (s.Wrong == nil) || s.Wrong != nil && !strings.Contains(s.Wrong.Error(), "over 1000 partners: 2 new ones are left out, from "+dir) {
			t.Errorf("%s: wrong is %v, want what is left out", what, s.Wrong)
		}
	}
	want("as many as may be", "p0", "p999")
	writeFile(t, textOf(t, documentOf("a1", "a1")), dir, "a1.json")
	writeFile(t, textOf(t, documentOf("a2", "a2")), dir, "a2.json")
	c.pass(rereadEvery)
	want("two more", "p0", "p999")
	if folder, err = Open(dir, c.Now); err != nil {
		t.Fatal(err)
	}
	want("two more, at the start", "a1", "p997") // the first by their files
}

// TestPartnersWhoVanishAreLogged, for a folder may be empty because nothing is mounted there.
func TestPartnersWhoVanishAreLogged(t *testing.T) {
	f := newFolder(t, documentOf("acme", "one"), documentOf("other", "two"))
	f.clock.pass(rereadEvery)
	f.want("[acme other]")
	if got := f.log.String(); got != "" {
		t.Errorf("nothing changed, and it is logged: %s", got)
	}
	f.remove("acme.json")
	f.remove("other.json")
	f.clock.pass(rereadEvery)
	f.want("[]")
	if got := f.log.String(); !strings.Contains(got, "before=2 now=0") {
		t.Errorf("logged is %q, want that there were 2 and are none", got)
	}
}

// TestABrokenDocumentLetsNoOlderCopyIn, not even when what was read of it last has become
// too old.
func TestABrokenDocumentLetsNoOlderCopyIn(t *testing.T) {
	f := newFolder(t, documentOf("acme", "new"), documentOf("other", "two"))
	writeFile(t, textOf(t, documentOf("acme", "old")), f.dir, "acme-before.json")
	wantKeys := func(of string, want string) {
		t.Helper()
		got := ""
		for _, key := range []string{"old", "new"} {
			if f.accepts("acme", secretOf(key)) {
				got += key
			}
		}
		if got != want {
			t.Errorf("%s: acme signs with %q, want %q", of, got, want)
		}
	}
	f.clock.pass(time.Minute)
	wantKeys("a copy beside it", "new")
	writeFile(t, "{", f.dir, "acme.json")
	for range 10 {
		f.clock.pass(time.Minute)
		wantKeys("it is broken", "new")
	}
	for range 5 {
		f.clock.pass(time.Minute)
		wantKeys("it is broken for too long", "")
	}
	f.want("[other]")
	writeFile(t, textOf(t, documentOf("acme", "new")), f.dir, "acme.json")
	f.remove("acme-before.json")
	f.clock.pass(time.Minute)
	wantKeys("it is mended", "new")
	wantNoSecret(t, f.log.String(), "old", "new", "two")
}

// TestWhileADocumentCannotBeReadNobodysSignatureIsRefusedForGood, whoever it is said to be of:
// so the answer does not tell whose document that is.
func TestWhileADocumentCannotBeReadNobodysSignatureIsRefusedForGood(t *testing.T) {
	old := documentOf("acme", "one")
	old.Legacy = &documentLegacy{Token: tokenOf("acme"), Text: []Text{Raw}}
	f := newFolder(t, old, documentOf("other", "two"))
	now := f.clock.Now()
	verdicts := func(of *Folder, want error) {
		t.Helper()
		now = f.clock.Now()
		s, err := of.Partners()
		if err != nil {
			t.Fatal(err)
		}
		for name, m := range map[string]Signed{
			"a key that nobody has":         signed(t, "acme", "nobody's", now, "{}"),
			"another's key":                 signed(t, "acme", "two", now, "{}"),
			"a partner who is well":         signed(t, "other", "nobody's", now, "{}"),
			"a partner that nobody knows":   signed(t, "nobody", "one", now, "{}"),
			"an id that no partner has":     signed(t, "", "one", now, "{}"),
			"no signature":                  {Partner: "acme"},
			"no signature, and nobody's":    {Partner: "nobody"},
			"a signature of another scheme": {Partner: "other", ID: "a", Timestamp: fmt.Sprint(now.Unix()), Signature: "v2,x"},
		} {
			if p, err := s.Verify(m, now); p != nil || err != want {
				t.Errorf("%s: %v, %v, want %v", name, p, err, want)
			}
		}
		for name, key := range map[string]string{"another token": legacyKeyOf("{}", tokenOf("nobody")), "no key": ""} {
			if p, err := s.VerifyLegacy([]byte("{}"), key); p != nil || err != want {
				t.Errorf("old scheme, %s: %v, %v, want %v", name, p, err, want)
			}
		}
		wantVerdict(t, s, signed(t, "other", "two", now, "{}"), now, nil)
		wantVerdict(t, s, signed(t, "other", "two", now.Add(-time.Hour), "{}"), now, ErrTimestamp)
	}
	verdicts(f.folder, ErrSignature)
	writeFile(t, "{", f.dir, "acme.json")
	f.clock.pass(time.Minute)
	verdicts(f.folder, ErrUnavailable)
	f.clock.pass(time.Hour)
	verdicts(f.folder, ErrUnavailable)
	again, err := Open(f.dir, f.clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	verdicts(again, ErrUnavailable)
	writeFile(t, textOf(t, old), f.dir, "acme.json")
	f.clock.pass(time.Minute)
	verdicts(f.folder, ErrSignature)
}
