package storagetest

import (
	"errors"
	"time"

	"github.com/tallystick/tallystick/internal/storage"
)

// inTenYears is far enough for no store to delete the entity during the test.
var inTenYears = time.Now().AddDate(10, 0, 0).UTC().Truncate(storage.TimeResolution)

var expireCases = []testCase{
	{"Expire is kept, and read by Get, Query and in a transaction", func(f *fixture) {
		want := []storage.Entity{{Key: f.key("a"), Exists: true, Data: []byte("1"), Expire: inTenYears}}
		f.put(want...)
		f.equal("Get", f.get("a"), want)
		page, err := f.store.Query(f.ctx, storage.Query{Kind: f.kind, Limit: 10})
		if err != nil {
			f.Fatal(err)
		}
		f.equal("Query", page.Entities, want)
		err = f.store.Update(f.ctx, func(tx storage.Tx) error {
			got, err := tx.Get(f.key("a"))
			f.equal("in a transaction", got, want)
			return err
		})
		if err != nil {
			f.Fatal(err)
		}
	}},
	{"Expire is kept as a time in UTC, cut to TimeResolution", func(f *fixture) {
		f.put(storage.Entity{Key: f.key("a"), Expire: inTenYears.Add(999).In(time.FixedZone("", 3600))})
		if got := f.get("a")[0].Expire; got != inTenYears {
			f.Errorf("got %v, want %v", got, inTenYears)
		}
	}},
	{"Put changes Expire and takes it away", func(f *fixture) {
		f.put(storage.Entity{Key: f.key("a"), Expire: inTenYears})
		later := inTenYears.AddDate(1, 0, 0)
		f.put(storage.Entity{Key: f.key("a"), Expire: later})
		if got := f.get("a")[0].Expire; got != later {
			f.Errorf("changed: got %v, want %v", got, later)
		}
		f.put(storage.Entity{Key: f.key("a")})
		if got := f.get("a")[0].Expire; !got.IsZero() {
			f.Errorf("taken away: got %v, want none", got)
		}
	}},
	{"an expired entity is there or is gone, and can be put anew", func(f *fixture) {
		old := storage.Entity{Key: f.key("a"), Exists: true, Data: []byte("old"), Expire: time.Unix(1, 0).UTC()}
		f.put(old)
		if got := f.get("a")[0]; got.Exists {
			f.equal("while it is there", got, old)
		}
		f.put(f.entity("a", "new"))
		f.wantData("a", "new")
	}},
	{"an expiry outside the years 1 to 9999 is ErrInvalid", func(f *fixture) {
		err := f.tryPut(storage.Entity{Key: f.key("a"), Expire: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)})
		if !errors.Is(err, storage.ErrInvalid) {
			f.Errorf("got error %v, want ErrInvalid", err)
		}
	}},
}
