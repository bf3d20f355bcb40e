package archive_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tallystick/tallystick/internal/archive"
	"github.com/tallystick/tallystick/internal/storage"
)

// small is an archive of a few entities, and what is in it.
func small(t *testing.T) ([]byte, map[storage.Key]storage.Entity) {
	t.Helper()
	store := openSQLite(t)
	put(t, store,
		storage.Entity{Key: storage.Key{Kind: "Page", Name: "/"}, Index: map[string]any{"rank": int64(7)}, Data: []byte{1, 0, 255}, Expire: noon},
		storage.Entity{Key: storage.Key{Kind: "Collection", Name: collection(1)}, Data: []byte("{}")},
		storage.Entity{Key: storage.Key{Kind: "Item", Name: "A"}},
		storage.Entity{Key: storage.Key{Kind: "Item", Name: "B"}},
		storage.Entity{Key: storage.Key{Kind: "Record." + collection(1), Name: "r"}, Index: map[string]any{"s_a": "x", "n_a": 1.5, "b_a": true, "t_a": noon}},
	)
	file, _ := write(t, store, newShop(t, store).partners)
	return file, everything(t, store)
}

func put(t *testing.T, store storage.Store, entities ...storage.Entity) {
	t.Helper()
	err := store.Update(t.Context(), func(tx storage.Tx) error {
		for _, e := range entities {
			if err := tx.Put(e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// packed is an archive of these lines, as the program packs it.
func packed(t *testing.T, lines []string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	for _, l := range lines {
		if _, err := z.Write([]byte(l)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// wantRefused wants an archive to be refused with this text, and the store to stay empty.
func wantRefused(t *testing.T, what string, store storage.Store, file []byte, text string) {
	t.Helper()
	if err := read(t, file, store); err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("%s: got error %v, want %q", what, err, text)
	}
	for _, kind := range []string{"Page", "Collection", "Item", "Record." + collection(1), "Restore"} {
		page, err := store.Query(t.Context(), storage.Query{Kind: kind, Limit: 1})
		if err != nil || len(page.Entities) > 0 {
			t.Fatalf("%s: there is %v, %v, want nothing", what, page.Entities, err)
		}
	}
}

func TestAnArchiveThatIsNotAsItWasWrittenIsRefused(t *testing.T) {
	file, want := small(t)
	store := openSQLite(t)
	for i := range file {
		for _, change := range []byte{0xff, 1 << (i % 8)} {
			damaged := slices.Clone(file)
			damaged[i] ^= change
			if bytes.Equal(packed(t, tryLines(damaged)), file) {
				continue // a bit that fills up the last byte
			}
			wantRefused(t, fmt.Sprintf("byte %d of %d is another", i, len(file)), store, damaged, "")
		}
		wantRefused(t, fmt.Sprintf("%d bytes of %d", i, len(file)), store, file[:i], "")
		wantRefused(t, fmt.Sprintf("without byte %d", i), store, slices.Delete(slices.Clone(file), i, i+1), "")
	}
	all := lines(t, file)
	for i := range all {
		wantRefused(t, fmt.Sprintf("cut behind line %d", i), store, packed(t, all[:i]), "")
		wantRefused(t, fmt.Sprintf("without line %d", i+1), store, packed(t, slices.Delete(slices.Clone(all), i, i+1)), "line ")
		wantRefused(t, fmt.Sprintf("line %d twice", i+1), store, packed(t, slices.Insert(slices.Clone(all), i, all[i])), "line ")
		if i > 0 {
			swapped := slices.Clone(all)
			swapped[i-1], swapped[i] = swapped[i], swapped[i-1]
			wantRefused(t, fmt.Sprintf("line %d before the one before", i+1), store, packed(t, swapped), "line ")
		}
	}
	if err := read(t, packed(t, all), store); err != nil {
		t.Fatalf("as it was written: %v", err)
	}
	wantSame(t, "as it was written", everything(t, store), want)
}

// tryLines are the lines of a file that may be none.
func tryLines(file []byte) []string {
	z, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil || !bytes.Equal(file[:10], []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff}) {
		return nil
	}
	var b bytes.Buffer
	if _, err := b.ReadFrom(z); err != nil {
		return nil
	}
	return []string{b.String()}
}

// sealed are lines with an end that fits them.
func sealed(lines []string, entities int, kinds string) []string {
	text := strings.Join(lines, "")
	return append(lines, fmt.Sprintf(`{"end":{"entities":%d,"kinds":{%s},"sha256":"%x"}}`+"\n", entities, kinds, sha256.Sum256([]byte(text))))
}

// TestWhatIsWrongWithAnArchiveIsSaidInWords, also where somebody has made its checksum fit.
func TestWhatIsWrongWithAnArchiveIsSaidInWords(t *testing.T) {
	const head = `{"format":"tallystick-archive","version":1,"time":"2126-11-21T12:00:00Z","program":"test","without":["Salt"]}` + "\n"
	entity := func(kind, name, rest string) string {
		return fmt.Sprintf(`{"kind":%q,"name":%q%s}`+"\n", kind, name, rest)
	}
	many := func(lines ...string) []string {
		return sealed(append([]string{head}, lines...), len(lines), fmt.Sprintf(`"Page":%d`, len(lines)))
	}
	whole := packed(t, many(entity("Page", "/", "")))
	named := slices.Clone(whole)
	named[3] = 8 // it has a name
	for _, tt := range []struct {
		name string
		file []byte
		want string
	}{
		{"nothing", nil, "it is no archive of Tallystick's"},
		{"something else", []byte("id,name\n1,a\n"), "it is no archive of Tallystick's"},
		{"packed by another program", named, "it is no archive of Tallystick's"},
		{"another gzip file", packed(t, []string{"id,name\n"}), "line 1: it is no archive of Tallystick's"},
		{"a newer one", packed(t, []string{strings.Replace(head, `:1,`, `:2,"more":true,`, 1)}), "line 1: it has version 2, which a newer Tallystick writes; this one knows up to 1"},
		{"version 0", packed(t, []string{strings.Replace(head, `:1,`, `:0,`, 1)}), "line 1: it has version 0, which no Tallystick writes"},
		{"a version below", packed(t, []string{strings.Replace(head, `:1,`, `:-1,`, 1)}), "line 1: it has version -1, which no Tallystick writes"},
		{"no version", packed(t, []string{strings.Replace(head, `"version":1,`, ``, 1)}), "line 1: it has version 0, which no Tallystick writes"},
		{"cut off", packed(t, many(entity("Page", "/", ""))[:2]), "line 3: it ends in the middle"},
		{"cut off on the disk", whole[:len(whole)-20], "line "},
		{"followed by something", append(slices.Clone(whole), 'x'), "line 3: something follows its end"},
		{"followed by another one", append(slices.Clone(whole), whole...), "line 3: something follows its end"},
		{"followed by a line", packed(t, append(sealed([]string{head}, 0, ""), "{}\n")), "line 2: something follows its end"},
		{"an edited line", packed(t, strings.SplitAfter(strings.Replace(strings.Join(many(entity("Page", "/", "")), ""), `"/"`, `"/x"`, 1), "\n")), "line 3: the lines before it have the SHA-256"},
		{"a wrong number", packed(t, sealed([]string{head, entity("Page", "/", "")}, 2, `"Page":1`)), "line 3: there are 1 entities before it"},
		{"wrong kinds", packed(t, sealed([]string{head, entity("Page", "/", "")}, 1, `"Item":1`)), "line 3: there are 1 entities before it"},
		{"no JSON", packed(t, many("{\n")), "line 2: "},
		{"nothing of ours", packed(t, many("{}\n")), "line 2: it is neither a partner nor an entity nor the end"},
		{"two in one", packed(t, many(`{"kind":"Page","name":"/","partner":{"id":"a"}}`+"\n")), "line 2: it is neither a partner nor an entity nor the end"},
		{"an unknown field", packed(t, many(entity("Page", "/", `,"colour":1`))), "line 2: "},
		{"a name twice", packed(t, many(`{"kind":"Page","name":"/","name":"/a"}`+"\n")), "line 2: "},
		{"salts", packed(t, many(entity("Salt", "2126-11-21", ""))), "line 2: Salt/2126-11-21: it is of a kind that this Tallystick does not keep"},
		{"an unknown kind", packed(t, many(entity("Secret", "a", ""))), "line 2: Secret/a: it is of a kind"},
		{"records without a collection", packed(t, many(entity("Record.a", "a", ""))), "line 2: Record.a/a: it is of a kind"},
		{"a collection that cannot be", packed(t, many(entity("Collection", "a/b", ""))), `line 2: collection: "a/b"`},
		{"an entity twice", packed(t, many(entity("Page", "/", ""), entity("Page", "/", ""))), `line 3: Page//: it comes after "/"`},
		{"kinds in disorder", packed(t, many(entity("Item", "A", ""), entity("Page", "/", ""))), "line 3: Page//: it is of a kind"},
		{"a partner behind", packed(t, many(entity("Page", "/", ""), `{"partner":{"id":"a"}}`+"\n")), "line 3: partners come before"},
		{"no value", packed(t, many(entity("Page", "/", `,"index":{"rank":{}}`))), "line 2: Page//: index rank: it has one of string, integer"},
		{"two values", packed(t, many(entity("Page", "/", `,"index":{"rank":{"integer":1,"string":"1"}}`))), "line 2: Page//: index rank: it has one of"},
		{"no number", packed(t, many(entity("Page", "/", `,"index":{"rank":{"number":"NaN"}}`))), "line 2: "},
		{"what no store takes", packed(t, many(entity("Page", "/", `,"index":{"_rank":{"integer":1}}`))), "line 2: storage: invalid"},
		{"a line without end", packed(t, []string{head, strings.Repeat("x", 9<<20)}), "line 2: it has over 8 MiB"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wantRefused(t, tt.name, openSQLite(t), tt.file, tt.want)
			if _, err := archive.Verify(t.Context(), bytes.NewReader(tt.file), func(int64) {}); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Verify: got error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestAnArchiveGoesIntoAnEmptyStoreOnly(t *testing.T) {
	file, _ := small(t)
	store := openSQLite(t)
	there := storage.Entity{Key: storage.Key{Kind: "Item", Name: "mine"}, Data: []byte("mine")}
	put(t, store, there, storage.Entity{Key: storage.Key{Kind: "Record." + collection(1), Name: "stray"}})
	err := read(t, file, store)
	if !errors.Is(err, archive.ErrNotEmpty) || !strings.Contains(err.Error(), "it has entities of Item, Record."+collection(1)+".") {
		t.Errorf("got error %v, want ErrNotEmpty that names the kinds", err)
	}
	if got := everything(t, store); len(got) != 2 || string(got[there.Key].Data) != "mine" {
		t.Errorf("there is %v, want what there was", got)
	}
	other := openSQLite(t)
	put(t, other, storage.Entity{Key: storage.Key{Kind: "Salt", Name: "2126-11-21"}}) // which a visit to an empty site leaves
	if err := read(t, file, other); err != nil {
		t.Errorf("with a salt: %v", err)
	}
}
