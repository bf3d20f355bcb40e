package partner

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// officialVectors are the signatures that the tests of the official libraries have: the
// first in Go, JavaScript, Python, PHP, Ruby, Java and C#, the second in Rust.
var officialVectors = []struct {
	secret, id string
	at         int64
	body       string
	signature  string
}{
	{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, `{"test": 2432232314}`, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
	{"whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1649367553, `{"email":"test@example.com","username":"test_user"}`, "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="},
}

func TestOfficialVectors(t *testing.T) {
	for _, v := range officialVectors {
		at := time.Unix(v.at, 0)
		if got, err := Sign(v.secret, v.id, at, []byte(v.body)); err != nil || got != v.signature {
			t.Errorf("%s is signed %s, %v, want %s", v.body, got, err, v.signature)
		}
		s := setOf(t, document{ID: "acme", Keys: []documentKey{{Secret: v.secret}}})
		for _, tt := range []struct {
			name   string
			change func(*Signed)
			now    time.Time
			want   error
		}{
			{"valid signature", func(m *Signed) {}, at, nil},
			{"missing id", func(m *Signed) { m.ID = "" }, at, ErrSignature},
			{"missing timestamp", func(m *Signed) { m.Timestamp = "" }, at, ErrSignature},
			{"missing signature", func(m *Signed) { m.Signature = "" }, at, ErrSignature},
			{"invalid timestamp", func(m *Signed) { m.Timestamp = "hello" }, at, ErrHeaders},
			{"invalid signature", func(m *Signed) { m.Signature = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=" }, at, ErrSignature},
			{"invalid signature, almost right", func(m *Signed) { m.Signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLawdd" }, at, ErrSignature},
			{"invalid signature, one letter off", func(m *Signed) { m.Signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OA=" }, at, ErrSignature},
			{"invalid signature, not base64", func(m *Signed) { m.Signature = "v1,dawfeoifkpqwoekfpqoekf" }, at, ErrSignature},
			{"partial signature", func(m *Signed) { m.Signature = "v1," }, at, ErrSignature},
			{"partial signature, its first bytes", func(m *Signed) { m.Signature = m.Signature[:8] }, at, ErrSignature},
			{"old timestamp", func(m *Signed) {}, at.Add(tolerance + time.Second), ErrTimestamp},
			{"new timestamp", func(m *Signed) {}, at.Add(-tolerance - time.Second), ErrTimestamp},
			{"multi signature", func(m *Signed) {
				m.Signature = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= v2,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= " +
					m.Signature + " v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="
			}, at, nil},
			{"multi signature, none of them right", func(m *Signed) {
				m.Signature = "v1,tFtCZ5RDCPxzWQRWXWPgrCgE2frDBe9gjpbWQxnVfsQ= v1,Mm7xgUVICxZfQ3bgf0h0Dof65L/IFx+PnZvnDWPCX6Q= v1,9DfC1c3eeOrXB6w/5dIDydLNQaEyww5KalE5jLBZucE="
			}, at, ErrSignature},
		} {
			t.Run(tt.name, func(t *testing.T) {
				m := Signed{Partner: "acme", ID: v.id, Timestamp: strconv.FormatInt(v.at, 10), Signature: v.signature, Body: []byte(v.body)}
				tt.change(&m)
				wantVerdict(t, s, m, tt.now, tt.want)
			})
		}
	}
}

// official is the library's verifier, with each of a partner's keys.
type official []*standardwebhooks.Webhook

func officialOf(t testing.TB, keys ...string) (all official) {
	t.Helper()
	for _, k := range keys {
		w, err := standardwebhooks.NewWebhook(secretOf(k))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, w)
	}
	return all
}

// accepts says whether verify, of one of the keys, has no error.
func (o official) accepts(m Signed, verify func(*standardwebhooks.Webhook, []byte, http.Header) error) bool {
	h := http.Header{}
	h.Set(standardwebhooks.HeaderWebhookID, m.ID)
	h.Set(standardwebhooks.HeaderWebhookTimestamp, m.Timestamp)
	h.Set(standardwebhooks.HeaderWebhookSignature, m.Signature)
	for _, w := range o {
		if verify(w, m.Body, h) == nil {
			return true
		}
	}
	return false
}

var theID, theTimestamp = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`), regexp.MustCompile(`^[1-9][0-9]{9,10}$`)

// narrower is where we take less than the library, which is a matter of form alone.
var narrower = []struct {
	what    string
	refused func(Signed) bool
}{
	{"the id", func(m Signed) bool { return !theID.MatchString(m.ID) }},
	{"the timestamp", func(m Signed) bool { return !theTimestamp.MatchString(m.Timestamp) }},
	{"how many signatures", func(m Signed) bool { return len(strings.Split(m.Signature, " ")) > 5 }},
	{"how long they are", func(m Signed) bool { return len(m.Signature) > 1024 }},
}

// wantedVerdict is what Verify has to say, by what the library says and by where we
// take less.
func (o official) wantedVerdict(m Signed, now time.Time) error {
	if m.ID == "" || m.Timestamp == "" || m.Signature == "" {
		return ErrSignature
	}
	for _, n := range narrower {
		if n.refused(m) {
			return ErrHeaders
		}
	}
	if !o.accepts(m, (*standardwebhooks.Webhook).VerifyIgnoringTimestamp) {
		return ErrSignature
	}
	at, _ := strconv.ParseInt(m.Timestamp, 10, 64)
	if off := now.Unix() - at; off < -300 || off > 300 {
		return ErrTimestamp
	}
	return nil
}

func TestWeAndTheOfficialLibraryAgree(t *testing.T) {
	s := setOf(t, documentOf("acme", "one", "two"), documentOf("other", "three"))
	o := officialOf(t, "one", "two")
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 0))
	verdicts := make(map[error]int)
	for range pick(2_000, 100_000) {
		m := anUpdate(t, r)
		want := o.wantedVerdict(m, noon)
		wantVerdict(t, s, m, noon, want)
		verdicts[want]++
		if t.Failed() {
			t.Fatal("seed", seed)
		}
	}
	for _, err := range []error{nil, ErrHeaders, ErrSignature, ErrTimestamp} {
		if verdicts[err] < 50 {
			t.Errorf("of all inputs %d were to be %v: too few to tell anything; seed %d", verdicts[err], err, seed)
		}
	}
}

// TestWeAndTheOfficialLibraryAgreeOnTheTime has its clock in our hands.
func TestWeAndTheOfficialLibraryAgreeOnTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon)) // from the year 2000, when a test's time begins
		s, o := setOf(t, documentOf("acme", "one")), officialOf(t, "one")
		for range 3 {
			for off := -305 * time.Second; off <= 305*time.Second; off += time.Second {
				now := time.Now()
				m := signed(t, "acme", "one", now.Add(off), "{}")
				_, err := s.Verify(m, now)
				if want := o.accepts(m, (*standardwebhooks.Webhook).Verify); (err == nil) != want {
					t.Errorf("%v off at %v: %v, but the library accepts it: %v", off, now, err, want)
				}
			}
			time.Sleep(400 * time.Millisecond)
		}
	})
}

func FuzzVerify(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		m := anUpdate(f, r)
		f.Add(m.ID, m.Timestamp, m.Signature, m.Body)
	}
	s := setOf(f, documentOf("acme", "one", "two"))
	o := officialOf(f, "one", "two")
	f.Fuzz(func(t *testing.T, id, timestamp, signature string, body []byte) {
		m := Signed{"acme", id, timestamp, signature, body}
		wantVerdict(t, s, m, noon, o.wantedVerdict(m, noon))
	})
}

// anUpdate is rightly signed, with up to three things changed afterwards.
func anUpdate(t testing.TB, r *rand.Rand) Signed {
	t.Helper()
	of := func(all ...string) string { return all[r.IntN(len(all))] }
	at := noon.Add(time.Duration(r.IntN(800)-400) * time.Second)
	id, body := of("a", "msg_1", strings.Repeat("Zz09-_", 10)), make([]byte, r.IntN(100))
	for i := range body {
		body[i] = byte(r.Uint32())
	}
	sign := func(key string) string {
		signature, err := Sign(secretOf(key), id, at, body)
		if err != nil {
			t.Fatal(err)
		}
		return signature
	}
	right := sign(of("one", "two"))
	m := Signed{Partner: "acme", ID: id, Timestamp: strconv.FormatInt(at.Unix(), 10), Signature: right, Body: body}
	junk := func() string {
		bare := strings.TrimPrefix(right, "v1,")
		return of("v1,", "v1", ",", "", "v2,"+bare, "v1a,"+bare, "none,", "V1,"+bare, bare, sign("three"), right[:r.IntN(len(right))], right+"=", right+",x", right+", ",
			" v1,"+bare, strings.ToLower(right), strings.TrimRight(right, "="), "v1,,"+bare, "v1,"+bare[:len(bare)-2]+string(bare[len(bare)-2]+1)+"=", "v1,\n"+bare, "v1,"+strings.Repeat("A", r.IntN(1200)))
	}
	for range r.IntN(4) {
		switch r.IntN(8) {
		case 0:
			m.ID = of("", "a.b", id+".", strings.Repeat("x", 64), strings.Repeat("x", 65), "é", id+" ", strings.ToUpper(id), "\xff")
		case 1:
			m.Timestamp = of("", "0", "-1", "+"+m.Timestamp, "0"+m.Timestamp, m.Timestamp+"0", m.Timestamp+".0", "1e9", "999999999", "1000000000", "99999999999",
				"100000000000", "9223372036854775807", "9223372036854775808", " "+m.Timestamp, m.Timestamp+" ", "0x6a000000", "hello", strings.Replace(m.Timestamp, "9", "_9", 1))
		case 2:
			m.Signature = junk()
		case 3:
			m.Signature = fmt.Sprint(junk(), " ", m.Signature)
		case 4:
			m.Signature = fmt.Sprint(m.Signature, " ", junk())
		case 5:
			m.Signature = fmt.Sprint(sign("three"), " ", sign("one"), " ", sign("two"), " ", m.Signature)
		case 6:
			m.Body = append(body[:len(body):len(body)], byte(r.Uint32()))
		case 7:
			if len(body) > 0 {
				m.Body = []byte(string(body))
				m.Body[r.IntN(len(body))] ^= 1 << r.IntN(8)
			}
		}
	}
	return m
}
