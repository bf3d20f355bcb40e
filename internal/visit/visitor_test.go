package visit

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/sqlite"
)

func TestWhoIsNotCounted(t *testing.T) {
	for _, tt := range []struct {
		name    string
		visitor Visitor
		want    Reason
	}{
		{"a person with Firefox", Visitor{UserAgent: firefox}, ""},
		{"a person on a phone", Visitor{UserAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"}, ""},
		{"a program that says nothing", Visitor{}, ""},
		{"Google's crawler", Visitor{UserAgent: "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}, Bot},
		{"Bing's crawler", Visitor{UserAgent: "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm) Chrome/116.0.1938.76 Safari/537.36"}, Bot},
		{"a prefetch", Visitor{UserAgent: firefox, Prefetch: true}, Prefetch},
		{"a crawler's prefetch", Visitor{UserAgent: "Googlebot/2.1", Prefetch: true}, Prefetch},
		{"a private person", Visitor{UserAgent: firefox, Private: true}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, Options{})
			f.set("/", Tally{41, 30})
			got := f.count("/", tt.visitor)
			if got.Reason != tt.want {
				t.Errorf("reason %q, want %q", got.Reason, tt.want)
			}
			want := int64(42)
			if tt.want != "" {
				want = 41
			}
			if got.Visits != want || f.read("/").Visits != want {
				t.Errorf("reply says %d visits and the store %d, want %d", got.Visits, f.read("/").Visits, want)
			}
		})
	}
}

func TestWhatIsKnownOfUserAgentsIsBounded(t *testing.T) {
	var b bots
	for i := range 3 * verdictsSize {
		for _, name := range []string{"Googlebot/2.1 ", firefox} {
			userAgent := fmt.Sprint(name, i)
			if i%2 == 0 {
				userAgent += strings.Repeat(" and", verdictBytes/4)
			}
			for range 2 {
				if got, want := b.is(userAgent), name != firefox; got != want {
					t.Fatalf("%.40q is a bot: %v, want %v", userAgent, got, want)
				}
			}
		}
	}
	if len(b.verdicts) > verdictsSize {
		t.Errorf("%d user agents are kept, want at most %d", len(b.verdicts), verdictsSize)
	}
	for userAgent := range b.verdicts {
		if len(userAgent) > verdictBytes {
			t.Fatalf("a user agent of %d bytes is kept, want at most %d", len(userAgent), verdictBytes)
		}
	}
}

func TestVisitorsAreToldApartByAddressAndUserAgent(t *testing.T) {
	v := func(addr, userAgent string) Visitor {
		return Visitor{Addr: netip.MustParseAddr(addr), UserAgent: userAgent}
	}
	one := v("192.0.2.1", firefox)
	for _, tt := range []struct {
		name string
		a, b Visitor
		same bool
	}{
		{"the same again", one, one, true},
		{"another address", one, v("192.0.2.2", firefox), false},
		{"another browser", one, v("192.0.2.1", "Mozilla/5.0 other"), false},
		{"IPv4 mapped into IPv6", one, v("::ffff:192.0.2.1", firefox), true},
		{"IPv6 of one network", v("2001:db8:0:1::1", firefox), v("2001:db8:0:1:ffff:ffff:ffff:ffff", firefox), true},
		{"IPv6 of two networks", v("2001:db8:0:1::1", firefox), v("2001:db8:0:2::1", firefox), false},
		{"a zone", v("fe80::1%eth0", firefox), v("fe80::2%eth1", firefox), true},
		{"no address", Visitor{UserAgent: firefox}, Visitor{UserAgent: firefox}, true},
		{"no address and one", Visitor{UserAgent: firefox}, one, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			hash := hasher(t)
			if a, b := hash(tt.a), hash(tt.b); (a == b) != tt.same || a == 0 || b == 0 {
				t.Errorf("hashes %x and %x, want them the same: %v", a, b, tt.same)
			}
		})
	}
}

func TestAVisitorIsUniqueOnceADay(t *testing.T) {
	f := newFixture(t, Options{})
	f.count("/", person(1))
	f.count("/", person(1))
	f.want("/", 2, 1)
	f.count("/", person(2))
	f.want("/", 3, 2)
	f.clock.pass(12 * time.Hour) // midnight UTC
	f.count("/", person(1))
	f.want("/", 4, 3)
	f.count("/other", person(1))
	f.want("/other", 1, 1)
}

func TestAPrivateVisitorIsCountedAndNotToldApart(t *testing.T) {
	f := newFixture(t, Options{})
	v := person(1)
	v.Private = true
	if got := f.count("/", v); got.Visits != 1 || got.Uniques != 0 || got.Reason != "" {
		t.Errorf("got %+v, want visit 1 of nobody", got)
	}
	if got := entities(t, f.store, saltKind); len(got) != 0 {
		t.Errorf("a private visit made a salt: %v", got)
	}
}

func TestServicesOnOneStoreShareTheSalt(t *testing.T) {
	a := newFixture(t, Options{})
	b := on(t, a.store, a.clock, Options{})
	a.count("/", person(1))
	b.count("/", person(1))
	a.want("/", 2, 1)
	if got := entities(t, a.store, saltKind); len(got) != 1 || len(got[0].Data) != 32 || got[0].Expire.Sub(today.Start()) != 48*time.Hour {
		t.Errorf("salts %v, want one of 32 bytes that expires 48 hours after its day began", got)
	}
}

func TestTheSaltChangesByDayAndIsGoneAfter48Hours(t *testing.T) {
	f := newFixture(t, Options{})
	names := func() (names []string) {
		for _, e := range entities(t, f.store, saltKind) {
			names = append(names, e.Key.Name)
		}
		return names
	}
	var before []byte
	for _, want := range [][]string{
		{"2126-11-21"},
		{"2126-11-21", "2126-11-22"},
		{"2126-11-22", "2126-11-23"},
	} {
		f.count("/", person(1))
		if got := names(); !slices.Equal(got, want) {
			t.Errorf("salts of %q, want %q", got, want)
		}
		kept := entities(t, f.store, saltKind)
		salt := kept[len(kept)-1].Data
		if bytes.Equal(salt, before) {
			t.Errorf("the salt of %v is that of the day before", want[len(want)-1])
		}
		before = salt
		f.clock.pass(24 * time.Hour)
	}
	f.clock.pass(30 * 24 * time.Hour)
	f.count("/", person(1))
	if got, want := names(), []string{"2126-12-24"}; !slices.Equal(got, want) {
		t.Errorf("after a month without a visit: salts of %q, want %q", got, want)
	}
}

func TestADownStoreIsNotCountedWithoutASalt(t *testing.T) {
	store := &failing{Store: openStore(t), err: storage.ErrUnavailable}
	f := on(t, store, newClock(), Options{})
	if _, err := f.Count(t.Context(), Request{Page: "/", Visitor: person(1)}); err == nil {
		t.Error("counted without a salt, want an error")
	}
	store.budget = 100
	if got := f.count("/", person(1)); got.Tally != (Tally{1, 1}) {
		t.Errorf("once the store is back: %+v, want visit 1", got.Tally)
	}
}

func TestNothingOfAVisitorIsInTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "visits.db")
	store, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	f := on(t, store, newClock(), Options{})
	secrets := map[string][]byte{}
	for _, addr := range []string{"203.0.113.77", "2001:db8:1234:5678:9abc:def0:1234:5678"} {
		v := Visitor{Addr: netip.MustParseAddr(addr), UserAgent: "VeryRareBrowser/7.3 (of one person)"}
		for range 3 {
			if _, err := f.Count(t.Context(), Request{Page: "/secret", Visitor: v, IdempotencyKey: addr}); err != nil {
				t.Fatal(err)
			}
		}
		hash, err := f.salts.visitor(t.Context(), today, v)
		if err != nil {
			t.Fatal(err)
		}
		ip := v.Addr.As16()
		secrets["the address "+addr] = []byte(addr)
		secrets["the bytes of "+addr] = ip[:]
		secrets["the user agent"] = []byte("VeryRare")
		secrets["the hash of "+addr] = binary.BigEndian.AppendUint64(nil, hash)
		secrets["the hash, little end first, of "+addr] = binary.LittleEndian.AppendUint64(nil, hash)
		secrets["the hash in digits of "+addr] = []byte(hex.EncodeToString(binary.BigEndian.AppendUint64(nil, hash)))
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) == 0 {
		t.Fatalf("the store's files: %v, %v", files, err)
	}
	found := false
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found = found || bytes.Contains(data, []byte("/secret"))
		for what, secret := range secrets {
			if bytes.Contains(data, secret) {
				t.Errorf("%s is in %s", what, filepath.Base(file))
			}
		}
	}
	if !found {
		t.Error("not even the page is in the files: the test looks at the wrong ones")
	}
}
