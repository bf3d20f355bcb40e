package partner

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Updates are signed as Standard Webhooks 1 has it, https://www.standardwebhooks.com: the
// signature is the HMAC-SHA256 of "id.timestamp.body", in base64, with v1 and a comma
// before it. A header may carry several, for a sender whose keys change.

// Limits of the headers, and of how far a timestamp may be off.
const (
	maxUpdateID       = 64
	maxSignatureBytes = 1024
	maxSignatures     = 5
	tolerance         = 300 * time.Second
)

var (
	// ErrHeaders says of a header that is there what is wrong with its form.
	ErrHeaders = errors.New("bad header")

	// ErrSignature is the same for a header that is missing, a partner that nobody
	// knows, and a signature that is none of the partner's. While documents cannot be read
	// all of that is ErrUnavailable: the signature may be of a partner who is in them.
	ErrSignature = errors.New("the signature is missing, or is not this partner's for this id, timestamp and body")

	// ErrTimestamp says that an update, rightly signed, is too old or of the future.
	ErrTimestamp = fmt.Errorf("webhook-timestamp is over %d seconds from the time it is here: sign each try anew, by a clock that is right", int(tolerance.Seconds()))
)

// Signed is an update as it came.
type Signed struct {
	Partner string // whose it is said to be

	ID        string // webhook-id
	Timestamp string // webhook-timestamp, in seconds since 1970
	Signature string // webhook-signature

	Body []byte
}

// Verify returns the partner who signed an update. How long it takes does not tell
// whether there is such a partner: two signatures are always made, with decoys for keys
// that are not there, and compared with all that came.
func (s *Set) Verify(m Signed, now time.Time) (*Partner, error) {
	if m.ID == "" || m.Timestamp == "" || m.Signature == "" {
		return nil, s.unproven()
	}
	if err := m.checkHeaders(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrHeaders, err)
	}
	p := s.byID[m.Partner]
	if signed := m.signedWith(s.keysOf(p, now)); !signed || p == nil {
		return nil, s.unproven()
	}
	if seconds, err := strconv.ParseInt(m.Timestamp, 10, 64); err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > tolerance {
		return nil, ErrTimestamp
	}
	return p, nil
}

// unproven is the verdict on all who cannot prove to be a partner, whoever they say they
// are: so it does not tell whose document cannot be read.
func (s *Set) unproven() error {
	if s.Wrong != nil {
		return ErrUnavailable
	}
	return ErrSignature
}

// checkHeaders does not quote them: a signature is not for a log.
func (m *Signed) checkHeaders() error {
	switch {
	case !isUpdateID(m.ID):
		return fmt.Errorf("webhook-id has 1 to %d letters A-Z a-z, digits, _ and -", maxUpdateID)
	case !isTimestamp(m.Timestamp):
		return errors.New("webhook-timestamp is the seconds since 1970, in 10 or 11 digits")
	case len(m.Signature) > maxSignatureBytes || strings.Count(m.Signature, " ") >= maxSignatures:
		return fmt.Errorf("webhook-signature has at most %d bytes and %d signatures with a space between two", maxSignatureBytes, maxSignatures)
	}
	return nil
}

// isUpdateID lets no dot pass, which would blur where the signed id ends.
func isUpdateID(id string) bool {
	alien := func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_' || r == '-')
	}
	return id != "" && len(id) <= maxUpdateID && strings.IndexFunc(id, alien) < 0
}

func isTimestamp(text string) bool {
	digits := strings.Trim(text, "0123456789") == ""
	return digits && (len(text) == 10 || len(text) == 11) && text[0] != '0'
}

// keysOf returns a partner's active keys, and decoys in place of those it has not.
func (s *Set) keysOf(p *Partner, now time.Time) [MaxActiveKeys]secret {
	keys, n := s.decoys, 0
	if p == nil {
		return keys
	}
	for _, k := range p.keys {
		if n < len(keys) && k.Active(now) {
			keys[n] = k.secret
			n++
		}
	}
	return keys
}

// signedWith says whether one of the signatures is by one of the keys. It compares all
// of them, whatever it finds. Other versions are other schemes' and pass it by; so does
// what follows a second comma, as in the official libraries.
func (m *Signed) signedWith(keys [MaxActiveKeys]secret) bool {
	equal := 0
	for _, k := range keys {
		want := []byte(k.sign(m.ID, m.Timestamp, m.Body))
		for entry := range strings.SplitSeq(m.Signature, " ") {
			version, signature, _ := strings.Cut(entry, ",")
			signature, _, _ = strings.Cut(signature, ",")
			if version == "v1" {
				equal |= subtle.ConstantTimeCompare([]byte(signature), want)
			}
		}
	}
	return equal == 1
}

// sign returns a signature without its version.
func (k secret) sign(id, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, k[:])
	io.WriteString(mac, id+"."+timestamp+".")
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
