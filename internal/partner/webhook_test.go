package partner

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"
)

// signed is an update that a key signs at a time.
func signed(t testing.TB, partner, key string, at time.Time, body string) Signed {
	t.Helper()
	signature, err := Sign(secretOf(key), "msg_1", at, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return Signed{Partner: partner, ID: "msg_1", Timestamp: strconv.FormatInt(at.Unix(), 10), Signature: signature, Body: []byte(body)}
}

// wantVerdict wants an update to be from a partner, or to be refused with err.
func wantVerdict(t testing.TB, s *Set, m Signed, now time.Time, err error) {
	t.Helper()
	p, got := s.Verify(m, now)
	switch {
	case !errors.Is(got, err):
		t.Errorf("%+v\nat %v: error %v, want %v", m, now, got, err)
	case err == nil && (p == nil || p.ID != m.Partner):
		t.Errorf("%+v: it is from %v", m, p)
	case err != nil && p != nil:
		t.Errorf("%+v: a partner, %v, with an error", m, p)
	case errors.Is(got, ErrSignature) && got != ErrSignature:
		t.Errorf("%+v: error %v, want all of ErrSignature the same", m, got)
	}
}

func TestAnUpdateIsItsPartnersAsItWasSigned(t *testing.T) {
	s := setOf(t, documentOf("acme", "one", "two"), documentOf("other", "three"))
	const body = `{"type":"stock.adjusted","qty":1}`
	for _, tt := range []struct {
		name   string
		change func(*Signed)
		want   error
	}{
		{"as it was signed", func(m *Signed) {}, nil},
		{"by the other key", func(m *Signed) { *m = signed(t, "acme", "two", noon, body) }, nil},
		{"no body", func(m *Signed) { *m = signed(t, "acme", "one", noon, "") }, nil},
		{"the right one of five", func(m *Signed) {
			m.Signature = "v1,x v2,y " + m.Signature + " v1a," + strings.TrimPrefix(m.Signature, "v1,") + " z"
		}, nil},
		{"what follows a second comma", func(m *Signed) { m.Signature += ",x" }, nil},

		{"no id", func(m *Signed) { m.ID = "" }, ErrSignature},
		{"no timestamp", func(m *Signed) { m.Timestamp = "" }, ErrSignature},
		{"no signature", func(m *Signed) { m.Signature = "" }, ErrSignature},
		{"nothing", func(m *Signed) { *m = Signed{Partner: "acme"} }, ErrSignature},
		{"an id that cannot be, and no signature", func(m *Signed) { m.ID, m.Signature = "a.b", "" }, ErrSignature},
		{"another's update", func(m *Signed) { m.Partner = "other" }, ErrSignature},
		{"another's key", func(m *Signed) { *m = signed(t, "acme", "three", noon, body) }, ErrSignature},
		{"nobody's update", func(m *Signed) { m.Partner = "nobody" }, ErrSignature},
		{"no partner", func(m *Signed) { m.Partner = "" }, ErrSignature},
		{"another id", func(m *Signed) { m.ID = "msg_2" }, ErrSignature},
		{"another time", func(m *Signed) { m.Timestamp = strconv.FormatInt(noon.Unix()+1, 10) }, ErrSignature},
		{"another body", func(m *Signed) { m.Body = []byte(strings.Replace(body, "1", "2", 1)) }, ErrSignature},
		{"a space more", func(m *Signed) { m.Body = append(m.Body, ' ') }, ErrSignature},
		{"what belongs to the time, in the body", func(m *Signed) {
			m.Timestamp, m.Body = m.Timestamp[:9]+"1", append([]byte(m.Timestamp[9:]+"."), m.Body...)
		}, ErrSignature},
		{"another version", func(m *Signed) { m.Signature = "v1a," + strings.TrimPrefix(m.Signature, "v1,") }, ErrSignature},
		{"version none", func(m *Signed) { m.Signature = "none," }, ErrSignature},
		{"no version", func(m *Signed) { m.Signature = strings.TrimPrefix(m.Signature, "v1,") }, ErrSignature},
		{"an empty signature", func(m *Signed) { m.Signature = "v1," }, ErrSignature},
		{"spaces", func(m *Signed) { m.Signature = "  " }, ErrSignature},
		{"the first bytes of it", func(m *Signed) { m.Signature = m.Signature[:len(m.Signature)/2] }, ErrSignature},
		{"without its padding", func(m *Signed) { m.Signature = strings.TrimSuffix(m.Signature, "=") }, ErrSignature},
		{"with more padding", func(m *Signed) { m.Signature += "=" }, ErrSignature},
		{"as base64 for URLs", func(m *Signed) {
			for i := 0; !strings.ContainsAny(m.Signature, "+/"); i++ {
				*m = signed(t, "acme", "one", noon, strconv.Itoa(i))
			}
			m.Signature = strings.NewReplacer("+", "-", "/", "_").Replace(m.Signature)
		}, ErrSignature},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := signed(t, "acme", "one", noon, body)
			tt.change(&m)
			wantVerdict(t, s, m, noon, tt.want)
		})
	}
}

// TestAHeaderOfAnotherFormIsNamed for the partner to mend it; what it has is not said.
func TestAHeaderOfAnotherFormIsNamed(t *testing.T) {
	s := setOf(t, documentOf("acme", "one"))
	for _, tt := range []struct {
		change func(*Signed)
		want   string // in the error; empty: no such error
	}{
		{func(m *Signed) { m.ID = strings.Repeat("x", 64) }, ""},
		{func(m *Signed) { m.ID = "AZaz09_-" }, ""},
		{func(m *Signed) { m.ID = strings.Repeat("x", 65) }, "webhook-id has 1 to 64"},
		{func(m *Signed) { m.ID = "msg.1" }, "webhook-id has 1 to 64"},
		{func(m *Signed) { m.ID = "msg 1" }, "webhook-id has 1 to 64"},
		{func(m *Signed) { m.ID = "msg_1, msg_1" }, "webhook-id has 1 to 64"},
		{func(m *Signed) { m.ID = "é" }, "webhook-id has 1 to 64"},
		{func(m *Signed) { m.ID = "msg_1\n" }, "webhook-id has 1 to 64"},
		{func(m *Signed) { m.Timestamp = "1000000000" }, ""},
		{func(m *Signed) { m.Timestamp = "99999999999" }, ""},
		{func(m *Signed) { m.Timestamp = "999999999" }, "webhook-timestamp is the seconds since 1970"},
		{func(m *Signed) { m.Timestamp = "100000000000" }, "webhook-timestamp is the seconds since 1970"},
		{func(m *Signed) { m.Timestamp = "0" + m.Timestamp }, "webhook-timestamp is the seconds since 1970"},
		{func(m *Signed) { m.Timestamp = "+" + m.Timestamp }, "webhook-timestamp is the seconds since 1970"},
		{func(m *Signed) { m.Timestamp = "-" + m.Timestamp }, "webhook-timestamp is the seconds since 1970"},
		{func(m *Signed) { m.Timestamp += ".0" }, "webhook-timestamp is the seconds since 1970"},
		{func(m *Signed) { m.Timestamp = "1e10000000" }, "webhook-timestamp is the seconds since 1970"},
		{func(m *Signed) { m.Timestamp = "１７９５３４８８００" }, "webhook-timestamp is the seconds since 1970"},
		{func(m *Signed) { m.Timestamp = "2026-11-22" }, "webhook-timestamp is the seconds since 1970"},
		{func(m *Signed) { m.Signature = strings.Repeat("x", 1024) }, ""},
		{func(m *Signed) { m.Signature = strings.Repeat("x", 1025) }, "webhook-signature has at most 1024 bytes and 5 signatures"},
		{func(m *Signed) { m.Signature = "a b c d e" }, ""},
		{func(m *Signed) { m.Signature = "a b c d e f" }, "webhook-signature has at most 1024 bytes and 5 signatures"},
	} {
		m := signed(t, "acme", "one", noon, "{}")
		tt.change(&m)
		_, err := s.Verify(m, noon)
		if errors.Is(err, ErrHeaders) != (tt.want != "") || tt.want != "" && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: error %v, want ErrHeaders with %q", m, err, tt.want)
		}
		for _, value := range []string{m.ID, m.Timestamp, m.Signature} {
			if err != nil && len(value) > 1 && strings.Contains(err.Error(), value) {
				t.Errorf("%v: it quotes %q", err, value)
			}
		}
	}
}

func TestATimestampIsGoodFor300SecondsEitherWay(t *testing.T) {
	s := setOf(t, documentOf("acme", "one"))
	for _, tt := range []struct {
		off  time.Duration // of the update from now
		want error
	}{
		{0, nil},
		{-299 * time.Second, nil}, {-300 * time.Second, nil}, {-301 * time.Second, ErrTimestamp},
		{299 * time.Second, nil}, {300 * time.Second, nil}, {301 * time.Second, ErrTimestamp},
		{-25 * 365 * 24 * time.Hour, ErrTimestamp}, {280 * 365 * 24 * time.Hour, ErrTimestamp},
	} {
		wantVerdict(t, s, signed(t, "acme", "one", noon.Add(tt.off), "{}"), noon, tt.want)
	}
	wantVerdict(t, s, signed(t, "acme", "one", noon.Add(-300*time.Second), "{}"), noon.Add(time.Millisecond), ErrTimestamp)
	farOff := signed(t, "acme", "one", time.Unix(99999999999, 0), "{}")
	wantVerdict(t, s, farOff, noon, ErrTimestamp)
	farOff.Body = nil
	wantVerdict(t, s, farOff, noon, ErrSignature) // which comes first: whoever has no key learns nothing of the clock
}

func TestAKeyIsGoodUpToItsEnd(t *testing.T) {
	d := documentOf("acme", "one", "two")
	d.Keys[0].NotAfter = noon.Add(time.Hour).Format(time.RFC3339)
	s := setOf(t, d)
	for _, tt := range []struct {
		key   string
		after time.Duration
		want  error
	}{
		{"one", time.Hour - time.Second, nil}, {"one", time.Hour, nil}, {"one", time.Hour + time.Second, ErrSignature},
		{"two", time.Hour, nil}, {"two", time.Hour + time.Second, nil}, {"two", 10_000 * time.Hour, nil},
	} {
		now := noon.Add(tt.after)
		wantVerdict(t, s, signed(t, "acme", tt.key, now, "{}"), now, tt.want)
	}
	if got, want := len(s.All()[0].ActiveKeys(noon.Add(time.Hour+time.Second))), 1; got != want {
		t.Errorf("%d keys are active after the end of one, want %d", got, want)
	}
}

// TestTwoKeysAreAlwaysTried, and none of them is one that somebody could know.
func TestTwoKeysAreAlwaysTried(t *testing.T) {
	ended := documentOf("ended", "ended")
	ended.Keys[0].NotAfter = noon.Add(-time.Second).Format(time.RFC3339)
	many := documentOf("many", "a", "b", "c", "d")
	many.Keys[0].NotAfter, many.Keys[2].NotAfter = ended.Keys[0].NotAfter, ended.Keys[0].NotAfter
	s := setOf(t, documentOf("two", "one", "two"), documentOf("one", "three"), ended, many)
	for _, tt := range []struct {
		partner string
		keys    []string // decoys follow
	}{
		{"two", []string{"one", "two"}}, {"one", []string{"three"}}, {"ended", nil}, {"many", []string{"b", "d"}}, {"nobody", nil},
	} {
		want := s.decoys
		for i, k := range tt.keys {
			want[i], _ = parseSecret(secretOf(k))
		}
		if got := s.keysOf(s.byID[tt.partner], noon); got != want {
			t.Errorf("of %s other keys are tried than %q and decoys", tt.partner, tt.keys)
		}
	}
	if a, b := s.decoys, setOf(t).decoys; a[0] == a[1] || a[0] == b[0] || a[0] == (secret{}) || a[1] == (secret{}) {
		t.Error("the decoys are not random")
	}
}

// BenchmarkVerify shows that who is unknown costs what a partner does.
func BenchmarkVerify(b *testing.B) {
	s := setOf(b, documentOf("two", "one", "two"), documentOf("one", "three"))
	body := strings.Repeat("x", 2000)
	for _, partner := range []string{"two", "one", "nobody"} {
		m := signed(b, partner, "other", noon, body)
		b.Run(partner, func(b *testing.B) {
			for b.Loop() {
				if _, err := s.Verify(m, noon); err != ErrSignature {
					b.Fatal(err)
				}
			}
		})
	}
}
