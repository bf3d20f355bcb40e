package edge

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"golang.org/x/crypto/bcrypt"
)

// Bounds of a hash's cost. At 14 a comparison takes about a second.
const minCost, maxCost = 4, 14

// maxPassword is how many bytes of a password bcrypt looks at.
const maxPassword = 72

// rememberFor is how long a password that was right is not compared again.
const rememberFor = 5 * time.Minute

// accounts are the users of BASIC_AUTH. Whether a user is unknown or its password
// wrong cannot be told from how long an answer takes: each costs one comparison with a
// hash of the same cost.
type accounts struct {
	hashes  map[string][]byte // by user
	decoy   []byte            // compared where there is nothing to compare; no password is taken for it
	now     func() time.Time
	compare func(hash, password []byte) error

	turns chan struct{} // held during a comparison

	// key is of this process alone, so what is remembered is worth nothing outside of it.
	key   []byte
	mu    sync.Mutex
	known map[string]known // by user, so it is bounded by them
}

// turns bounds the comparisons at once in the process, whatever functions it has, for
// each keeps a CPU busy: more of them would only make each slower. Who has been let in
// before waits for none.
var turns = make(chan struct{}, runtime.GOMAXPROCS(0))

// known is a password that was right.
type known struct {
	mac   [sha256.Size]byte
	until time.Time
}

// newAccounts reads BASIC_AUTH; of an empty one it is nil.
func newAccounts(setting string, now func() time.Time) (*accounts, error) {
	if setting == "" {
		return nil, nil
	}
	hashes, cost, err := parseAccounts(setting)
	if err != nil {
		return nil, err
	}
	a := &accounts{
		hashes:  hashes,
		decoy:   fmt.Appendf(nil, "$2a$%02d$%s", cost, strings.Repeat(".", 53)),
		now:     now,
		compare: bcrypt.CompareHashAndPassword,
		turns:   turns,
		key:     make([]byte, sha256.Size),
		known:   make(map[string]known),
	}
	rand.Read(a.key) // never fails
	return a, nil
}

// bcryptHash is the form that htpasswd -B, PHP and Python write; they differ in the
// letter alone. https://en.wikipedia.org/wiki/Bcrypt#Versioning_history
var bcryptHash = regexp.MustCompile(`^\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}$`)

// parseAccounts reads lines of htpasswd, user:hash, between white space or commas. Its
// errors quote nothing: what is in the wrong place may be a hash, or a password.
func parseAccounts(setting string) (hashes map[string][]byte, cost int, err error) {
	hashes = make(map[string][]byte)
	entries := strings.FieldsFunc(setting, func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
	if len(entries) == 0 {
		return nil, 0, errors.New("it names no user; unset it to ask for none")
	}
	for i, entry := range entries {
		user, hash, _ := strings.Cut(entry, ":")
		form := bcryptHash.FindStringSubmatch(hash)
		switch {
		case user == "" || hash == "":
			return nil, 0, fmt.Errorf("entry %d is not user:hash", i+1)
		case form == nil:
			return nil, 0, fmt.Errorf("entry %d has no whole bcrypt hash, $2a$, $2b$ or $2y$; htpasswd -B makes one", i+1)
		case hashes[user] != nil:
			return nil, 0, fmt.Errorf("entry %d has the user of one before", i+1)
		}
		switch c, _ := strconv.Atoi(form[1]); {
		case c < minCost || c > maxCost:
			return nil, 0, fmt.Errorf("entry %d: the cost %d is not %d to %d", i+1, c, minCost, maxCost)
		case i > 0 && c != cost:
			return nil, 0, fmt.Errorf("entry %d: the cost is %d, and %d in those before; give all the same, or the time of a reply tells users apart", i+1, c, cost)
		default:
			cost = c
		}
		hashes[user] = []byte(hash)
	}
	return hashes, cost, nil
}

// verify says whether user has password. Its error is the context's, which ended
// before there was a turn to compare.
func (a *accounts) verify(ctx context.Context, user, password string) (bool, error) {
	mac := a.mac(user, password)
	if a.remembers(user, mac) {
		return true, nil
	}
	select {
	case a.turns <- struct{}{}:
		defer func() { <-a.turns }()
	case <-ctx.Done():
		return false, ctx.Err()
	}
	if a.remembers(user, mac) { // since another request compared it meanwhile
		return true, nil
	}
	hash, ok := a.hashes[user]
	if !ok || !tellsApart(password) {
		hash, ok = a.decoy, false
	}
	if err := a.compare(hash, []byte(password)); err != nil || !ok {
		return false, nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.known[user] = known{mac, a.now().Add(rememberFor)}
	return true, nil
}

// tellsApart says whether bcrypt can tell a password from all others. It reads a
// password with a zero byte after it over and over, so "a" and "a\x00a" are the same to
// it, and nothing past maxPassword.
func tellsApart(password string) bool {
	return len(password) <= maxPassword && strings.IndexByte(password, 0) < 0
}

func (a *accounts) remembers(user string, mac [sha256.Size]byte) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	k, ok := a.known[user]
	return ok && a.now().Before(k.until) && hmac.Equal(k.mac[:], mac[:])
}

// mac stands for a user and a password in memory. A user has no colon.
func (a *accounts) mac(user, password string) (sum [sha256.Size]byte) {
	h := hmac.New(sha256.New, a.key)
	h.Write([]byte(user + ":" + password))
	h.Sum(sum[:0])
	return sum
}
