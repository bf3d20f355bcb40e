package edge

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// Hashes of "secret", at the costs 4 and 5, and of "a".
const (
	secret  = "$2a$04$bxBEYPMxBdTi.044SiNCZ.Op4pm4VhTwG4qkAt8IF0OoNTDnHFJjq"
	secret5 = "$2a$05$rrLIl3OP9wmV1GpujHgjiuqnzIY4t2z6HEkqQ2ygQxHWFGNFRsS7u"
	letter  = "$2a$04$FEL1wBNAPUFt6OleYvJl4OGeZZFvNsBPpHzeC/STcWlhSopy7Olay"
)

// counted returns accounts with turns of their own that count their comparisons, and
// check the costs.
func counted(t *testing.T, setting string, now func() time.Time) (a *accounts, comparisons *atomic.Int32) {
	t.Helper()
	a, err := newAccounts(setting, now)
	if err != nil {
		t.Fatal(err)
	}
	a.turns = make(chan struct{}, cap(a.turns))
	comparisons = new(atomic.Int32)
	a.compare = func(hash, password []byte) error {
		comparisons.Add(1)
		if cost, err := bcrypt.Cost(hash); err != nil || cost != 4 {
			t.Errorf("compared with a hash of cost %d, %v; want 4, as all have", cost, err)
		}
		return bcrypt.CompareHashAndPassword(hash, password)
	}
	return a, comparisons
}

func TestBasicAuthIsLinesOfHtpasswd(t *testing.T) {
	anna, bert := "anna:"+secret, "bert:"+letter
	for _, tt := range []struct {
		name, setting, says string // says: in the error; empty if there is none
	}{
		{"one user", anna, ""},
		{"lines", anna + "\n" + bert + "\n", ""},
		{"lines of Windows", anna + "\r\n\r\n" + bert, ""},
		{"spaces", "  " + anna + " " + bert, ""},
		{"commas", anna + "," + bert, ""},
		{"commas and spaces", anna + ", " + bert, ""},
		{"$2b$", strings.Replace(anna, "2a", "2b", 1), ""},
		{"$2y$ beside $2a$", strings.Replace(anna, "2a", "2y", 1) + " " + bert, ""},
		{"the lowest cost", "a:$2y$04$" + strings.Repeat("x", 53), ""},
		{"the highest cost", "a:$2y$14$" + strings.Repeat("x", 53), ""},

		{"nothing but separators", " ,\n", "names no user"},
		{"no colon", anna + " hunter2", "entry 2 is not user:hash"},
		{"no hash", "anna:", "entry 1 is not user:hash"},
		{"no user", ":" + secret, "entry 1 is not user:hash"},
		{"a password", "anna:hunter2", "entry 1 has no whole bcrypt hash"},
		{"MD5", "anna:$apr1$hunter2$hunter2hunter2hunter2", "entry 1 has no whole bcrypt hash"},
		{"SHA-1", "anna:{SHA}hunter2hunter2hunter2hunter2=", "entry 1 has no whole bcrypt hash"},
		{"the bcrypt that was broken", strings.Replace(anna, "2a", "2x", 1), "entry 1 has no whole bcrypt hash"},
		{"a hash cut off", anna[:len(anna)-1], "entry 1 has no whole bcrypt hash"},
		{"a hash that goes on", anna + "x", "entry 1 has no whole bcrypt hash"},
		{"a hash whose $ a shell took", "anna:a4.hunter2", "entry 1 has no whole bcrypt hash"},
		{"a user twice", anna + " " + bert + " anna:" + letter, "entry 3 has the user of one before"},
		{"two costs", anna + " bert:" + secret5, "entry 2: the cost is 5, and 4 in those before"},
		{"too low a cost", "anna:$2y$03$" + strings.Repeat("x", 53), "entry 1: the cost 3 is not 4 to 14"},
		{"too high a cost", "anna:$2y$15$" + strings.Repeat("x", 53), "entry 1: the cost 15 is not 4 to 14"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, err := newAccounts(tt.setting, time.Now)
			if tt.says == "" {
				if err != nil || len(a.hashes) == 0 {
					t.Errorf("newAccounts = %v, %v; want its users", a, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Fatalf("error %v, want %q in it", err, tt.says)
			}
			for _, private := range []string{"anna", "hunter2", "xxx", secret[7:20], letter[7:20]} {
				if strings.Contains(err.Error(), private) {
					t.Errorf("error %q shows %q", err, private)
				}
			}
		})
	}
	if a, err := newAccounts("", time.Now); a != nil || err != nil {
		t.Errorf("of an empty setting: %v, %v; want none", a, err)
	}
}

func TestWhatIsWrongCostsOneComparison(t *testing.T) {
	for _, tt := range []struct{ name, user, password string }{
		{"the password", "anna", "Secret"},
		{"the password of another", "anna", "a"},
		{"no password", "anna", ""},
		{"the user", "berta", "secret"},
		{"the user's case", "Anna", "secret"},
		{"no user", "", ""},
		{"the decoy's user", "", strings.Repeat(".", 53)},
		{"a password that only bcrypt takes for right: it goes round in it", "bert", "a\x00a"},
		{"a zero byte", "anna", "secret\x00"},
		{"a password too long for bcrypt", "anna", strings.Repeat("x", 73)},
		{"a password much too long", "anna", strings.Repeat("secret", 100_000)},
		{"bad UTF-8", "anna", "\xff\xfe"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, comparisons := counted(t, "anna:"+secret+" bert:"+letter, time.Now)
			for again := range int32(3) { // a failure is not remembered
				if ok, err := a.verify(t.Context(), tt.user, tt.password); ok || err != nil || comparisons.Load() != again+1 {
					t.Fatalf("time %d: %v, %v after %d comparisons; want false after one each time", again+1, ok, err, comparisons.Load())
				}
			}
		})
	}
}

func TestNoPasswordIsTheDecoys(t *testing.T) {
	a, _ := counted(t, "anna:"+secret, time.Now)
	a.compare = func([]byte, []byte) error { return nil }
	for user, password := range map[string]string{"berta": "secret", "": "", "anna": "\x00"} {
		if ok, err := a.verify(t.Context(), user, password); ok || err != nil {
			t.Errorf("%q, %q: %v, %v; want false, whatever was compared", user, password, ok, err)
		}
	}
}

// TestAPasswordPastBcryptsLengthIsWrong: bcrypt would take one that begins alike.
func TestAPasswordPastBcryptsLengthIsWrong(t *testing.T) {
	long := strings.Repeat("x", 72)
	hash, err := bcrypt.GenerateFromPassword([]byte(long), 4)
	if err != nil {
		t.Fatal(err)
	}
	a, comparisons := counted(t, "anna:"+string(hash), time.Now)
	for password, want := range map[string]bool{long: true, long + "y": false} {
		before := comparisons.Load()
		if ok, err := a.verify(t.Context(), "anna", password); ok != want || err != nil || comparisons.Load() != before+1 {
			t.Errorf("%d bytes: %v, %v after %d comparisons; want %v after one", len(password), ok, err, comparisons.Load()-before, want)
		}
	}
}

func TestEveryLetterOfBcryptIsCompared(t *testing.T) {
	for _, version := range []string{"$2a$", "$2b$", "$2y$"} {
		a, _ := counted(t, "anna:"+strings.Replace(secret, "$2a$", version, 1), time.Now)
		if ok, err := a.verify(t.Context(), "anna", "secret"); !ok || err != nil {
			t.Errorf("%s: %v, %v; want the password to be right", version, ok, err)
		}
	}
}

func TestWhatWasRightIsRememberedForMinutes(t *testing.T) {
	now := time.Unix(0, 0)
	a, comparisons := counted(t, "anna:"+secret+" bert:"+letter, func() time.Time { return now })
	for _, tt := range []struct {
		name           string
		after          time.Duration
		user, password string
		ok             bool
		comparisons    int32
	}{
		{"first", 0, "anna", "secret", true, 1},
		{"again", time.Minute, "anna", "secret", true, 0},
		{"with a wrong password", 0, "anna", "a", false, 1},
		{"again after the wrong one", 0, "anna", "secret", true, 0},
		{"as another user", 0, "bert", "secret", false, 1},
		{"just before it is forgotten", rememberFor - time.Minute - time.Second, "anna", "secret", true, 0},
		{"when it is forgotten", time.Second, "anna", "secret", true, 1},
		{"from then on", rememberFor - time.Second, "anna", "secret", true, 0},
	} {
		now = now.Add(tt.after)
		before := comparisons.Load()
		ok, err := a.verify(t.Context(), tt.user, tt.password)
		if got := comparisons.Load() - before; ok != tt.ok || err != nil || got != tt.comparisons {
			t.Errorf("%s: %v, %v after %d comparisons; want %v after %d", tt.name, ok, err, got, tt.ok, tt.comparisons)
		}
	}
	if len(a.known) != 1 {
		t.Errorf("%d passwords are remembered, want that of anna", len(a.known))
	}
}

func TestAProcessRemembersUnderAKeyOfItsOwn(t *testing.T) {
	a, _ := counted(t, "anna:"+secret, time.Now)
	b, _ := counted(t, "anna:"+secret, time.Now)
	if a.mac("anna", "secret") == b.mac("anna", "secret") {
		t.Error("two have the same: what is remembered could be guessed offline")
	}
}

func TestAllFunctionsOfAProcessShareTheTurns(t *testing.T) {
	var all []*accounts
	for range 2 {
		a, err := newAccounts("anna:"+secret, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, a)
	}
	if want := runtime.GOMAXPROCS(0); all[0].turns != all[1].turns || cap(all[0].turns) != want {
		t.Errorf("turns %v and %v of %d, want the same of %d", all[0].turns, all[1].turns, cap(all[0].turns), want)
	}
}

func TestGuessesTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, comparisons := counted(t, "anna:"+secret+" bert:"+letter, time.Now)
		if ok, _ := a.verify(t.Context(), "bert", "a"); !ok {
			t.Fatal("bert's password is not taken")
		}
		comparisons.Store(0)
		bcryptCompare, goOn := a.compare, make(chan struct{})
		a.compare = func(hash, password []byte) error {
			err := bcryptCompare(hash, password)
			<-goOn
			return err
		}
		at := int32(runtime.GOMAXPROCS(0))
		var right, left atomic.Int32
		try := func(ctx context.Context) {
			switch ok, err := a.verify(ctx, "anna", "secret"); {
			case ok:
				right.Add(1)
			case errors.Is(err, context.DeadlineExceeded):
				left.Add(1)
			}
		}
		for range 5 * at {
			go try(t.Context())
		}
		synctest.Wait()
		hurried, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		go try(hurried)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := comparisons.Load(); got != at || left.Load() != 1 {
			t.Errorf("%d comparisons at once, %d callers gave up; want %d, and the one whose time was over", got, left.Load(), at)
		}
		if ok, err := a.verify(t.Context(), "bert", "a"); !ok || err != nil {
			t.Errorf("who is remembered: %v, %v; want no wait", ok, err)
		}
		close(goOn)
		synctest.Wait()
		if got := comparisons.Load(); got != at || right.Load() != 5*at {
			t.Errorf("%d were right after %d comparisons, want %d: those who waited need none", right.Load(), got, at)
		}
	})
}
