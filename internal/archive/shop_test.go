package archive_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/archive"
	"github.com/tallystick/tallystick/internal/inventory"
	"github.com/tallystick/tallystick/internal/partner"
	"github.com/tallystick/tallystick/internal/record"
	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/datastore"
	"github.com/tallystick/tallystick/internal/storage/emulator"
	"github.com/tallystick/tallystick/internal/storage/firestore"
	"github.com/tallystick/tallystick/internal/storage/sqlite"
	"github.com/tallystick/tallystick/internal/visit"
)

// noon is when the tests are. It is far ahead of the real clock, by which SQLite removes
// what has expired.
var noon = time.Date(2126, 11, 21, 12, 0, 0, 0, time.UTC)

func now() time.Time { return noon }

func arrived() error { return nil }

func openSQLite(t *testing.T) storage.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "shop.db"))
	return opened(t, s, err)
}

func openDatastore(start func(testing.TB) string) func(t *testing.T) storage.Store {
	return func(t *testing.T) storage.Store {
		t.Helper()
		host := start(t)
		s, err := datastore.Open(t.Context(), "test", "", datastore.Emulator(host), datastore.Namespace(unique()))
		return opened(t, s, err)
	}
}

func openFirestore(t *testing.T) storage.Store {
	t.Helper()
	host := emulator.FirestoreNative(t)
	s, err := firestore.Open(t.Context(), unique(), "", firestore.Emulator(host))
	return opened(t, s, err)
}

func unique() string { return fmt.Sprintf("archive%x", rand.Uint64()) }

func opened(t *testing.T, s storage.Store, err error) storage.Store {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// shop is a store that all services have worked on.
type shop struct {
	*testing.T
	store    storage.Store
	visits   *visit.Service
	records  *record.Service
	stock    *inventory.Service
	updates  *partner.Service
	partners []*partner.Partner
	secrets  []string // of partners
}

const token = "the token of the old scheme"

func newShop(t *testing.T, store storage.Store) *shop {
	t.Helper()
	dir := t.TempDir()
	s := &shop{T: t, store: store}
	for _, d := range []partner.Draft{
		{ID: "acme", Types: []string{"stock.*", "delivery.updated"}, SKUs: []string{"ACME-*"}},
		{ID: "old", Types: []string{"*"}, SKUs: []string{"*"}, Token: token, Texts: []partner.Text{"raw", "python"}},
	} {
		secret, err := partner.Add(dir, d, noon)
		s.must(err)
		s.secrets = append(s.secrets, secret)
	}
	folder, err := partner.Open(dir, now)
	s.must(err)
	set, err := folder.Partners()
	s.must(err)
	s.partners = set.All()
	s.visits = visit.New(store, visit.Options{Now: now})
	s.records = record.New(store, record.Options{Now: now})
	s.stock = inventory.New(store, inventory.Options{Now: now})
	s.updates = partner.NewService(store, folder, partner.Options{Now: now})
	return s
}

func (s *shop) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// collections are those of a shop. The one has records of all that there is.
const collections = 10

func collection(i int) string { return fmt.Sprintf("things-%d", i) }

// fill has the services do some of everything, and stores so many records in each collection.
func (s *shop) fill(records int) {
	s.Helper()
	ctx := s.Context()
	for i := range 60 {
		_, err := s.visits.Count(ctx, visit.Request{
			Page:           visit.Page(fmt.Sprintf("/page/%d", i%20)),
			Visitor:        visit.Visitor{Addr: netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), UserAgent: "Firefox"},
			IdempotencyKey: []string{"", "key" + strconv.Itoa(i)}[i%2],
		})
		s.must(err)
	}
	_, err := s.visits.Delete(ctx, "/page/7") // which leaves a mark
	s.must(err)
	s.fillStock(ctx)
	s.fillRecords(ctx, records)
}

func (s *shop) fillStock(ctx context.Context) {
	s.Helper()
	low := int64(95)
	for i := range 8 {
		sku := fmt.Sprintf("ACME-%d", i)
		_, err := s.stock.Count(ctx, inventory.Caller{Who: "ada"}, inventory.Count{Lines: []inventory.CountLine{{SKU: sku, Quantity: 100}}})
		s.must(err)
		_, err = s.stock.Set(ctx, inventory.Caller{Who: "ada"}, sku, inventory.Settings{LowStock: &low})
		s.must(err)
		var held []string
		for n := range 6 {
			r, err := s.stock.Reserve(ctx, inventory.Caller{Who: "shop", IdempotencyKey: fmt.Sprint(sku, n)}, inventory.Hold{
				Lines: []inventory.Line{{SKU: sku, Quantity: 2}, {SKU: "ACME-0", Quantity: 1}}[:1+min(i, 1)], TTL: time.Hour,
			})
			s.must(err)
			held = append(held, r.Reservation.ID)
		}
		_, err = s.stock.Commit(ctx, inventory.Caller{Who: "shop"}, held[0], nil, "order")
		s.must(err)
		_, err = s.stock.Release(ctx, inventory.Caller{Who: "shop"}, held[1])
		s.must(err)
		for kind, data := range map[string]string{
			"stock.adjusted":   fmt.Sprintf(`{"sku":%q,"delta":5}`, sku),
			"delivery.updated": fmt.Sprintf(`{"id":"D-%d","status":"sent"}`, i%3),
		} {
			s.update("acme", fmt.Sprint(len(kind), "-", i), fmt.Sprintf(`{"type":%q,"timestamp":"2126-11-21T11:00:00Z","data":%s}`, kind, data))
		}
	}
}

// update is one of a partner's.
func (s *shop) update(who, id, body string) {
	s.Helper()
	signature, err := partner.Sign(s.secrets[0], id, noon, []byte(body))
	s.must(err)
	_, err = s.updates.Accept(s.Context(), partner.Signed{
		Partner: who, ID: id, Timestamp: strconv.FormatInt(noon.Unix(), 10), Signature: signature, Body: []byte(body),
	})
	s.must(err)
}

func (s *shop) fillRecords(ctx context.Context, records int) {
	s.Helper()
	_, _, err := s.records.Configure(ctx, collection(0), record.Settings{
		Transform: "{n, text, half: (.n/2), at: .at, large: (.n > 10)}",
		Indexes: []record.Index{{Field: "n", Type: record.Integer}, {Field: "text", Type: record.String}, {Field: "half", Type: record.Number},
			{Field: "large", Type: record.Boolean}, {Field: "at", Type: record.Time}},
	}, record.Condition{})
	s.must(err)
	_, _, err = s.records.Configure(ctx, collection(1), record.Settings{TTL: time.Hour}, record.Condition{})
	s.must(err)
	for c := range collections {
		var docs []record.Document
		for i := range records {
			docs = append(docs, record.Document{ID: fmt.Sprint("r", i), Data: fmt.Appendf(nil,
				`{"n":%d,"text":"Grüße \u0000 <%d> \u2028","at":"2026-11-21T12:00:00.123456Z"}`, i, i)})
			if len(docs) == 500 || i == records-1 {
				_, _, err := s.records.Store(ctx, record.StoreRequest{
					Collection: collection(c), Documents: docs, IdempotencyKey: fmt.Sprint("import", c, i), Request: []byte{1},
				})
				s.must(err)
				docs = nil
			}
		}
		_, _, err := s.records.Remove(ctx, collection(c), []string{"r1"})
		s.must(err)
	}
	for _, size := range []int{990_000, 1, 990_000} { // the first, a revision then, and the last are in parts
		_, err := s.records.Put(ctx, collection(1), record.Document{ID: "large", Data: fmt.Appendf(nil, `{"text":%q}`, strings.Repeat("x", size))}, record.Condition{})
		s.must(err)
	}
}

// write is an archive of the shop as it is now.
func (s *shop) write() ([]byte, archive.Contents) {
	s.Helper()
	return write(s.T, s.store, s.partners)
}

func write(t *testing.T, store storage.Store, partners []*partner.Partner) ([]byte, archive.Contents) {
	t.Helper()
	snapshot, err := store.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer snapshot.Close()
	var file bytes.Buffer
	c, err := archive.Write(t.Context(), &file, archive.Source{Snapshot: snapshot, Time: noon, Partners: partners, Program: "test"}, func(int64) {})
	if err != nil {
		t.Fatal(err)
	}
	return file.Bytes(), c
}

// read puts an archive into a store.
func read(t *testing.T, file []byte, store storage.Store) error {
	t.Helper()
	return readTelling(t.Context(), file, archive.Target{Store: store, Now: now, Arrived: arrived}, func(int64) {})
}

func readTelling(ctx context.Context, file []byte, to archive.Target, progress func(int64)) error {
	r := bytes.NewReader(file)
	contents, err := archive.Verify(ctx, r, func(int64) {})
	if err != nil {
		return err
	}
	return archive.Read(ctx, r, contents, to, progress)
}

// everything is all that a store has of Tallystick's, but for what is private.
func everything(t *testing.T, store storage.Store) map[storage.Key]storage.Entity {
	t.Helper()
	all := make(map[storage.Key]storage.Entity)
	var names []string
	for i := range collections {
		names = append(names, collection(i))
	}
	for _, kind := range archive.Kinds(names...) {
		if kind.Private {
			continue
		}
		for q := (storage.Query{Kind: kind.Name, Limit: storage.MaxQueryLimit}); ; {
			page, err := store.Query(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page.Entities {
				all[e.Key] = e
			}
			if q.Cursor = page.Next; q.Cursor == "" {
				break
			}
		}
	}
	return all
}

// wantSame wants two stores to hold the same, byte for byte.
func wantSame(t *testing.T, what string, got, want map[storage.Key]storage.Entity) {
	t.Helper()
	wrong := 0
	for key, w := range want {
		g, ok := got[key]
		if !ok || !bytes.Equal(g.Data, w.Data) || !g.Expire.Equal(w.Expire) || fmt.Sprint(g.Index) != fmt.Sprint(w.Index) {
			if wrong++; wrong <= 5 {
				t.Errorf("%s: %s is %.200s, want %.200s", what, key, fmt.Sprint(g), fmt.Sprint(w))
			}
		}
	}
	if wrong > 5 || len(got) != len(want) {
		t.Errorf("%s: %d entities of %d differ, there are %d", what, wrong, len(want), len(got))
	}
}

// soak asks for the long forms of the tests.
var soak = os.Getenv("SOAK") == "1"

// pick returns what is meant for this run: short, or with SOAK=1 long.
func pick(short, long int) int {
	if soak {
		return long
	}
	return short
}
