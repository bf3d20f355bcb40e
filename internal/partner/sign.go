package partner

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// Sign returns the signature of an update, as webhook-signature has it.
func Sign(secret, id string, at time.Time, body []byte) (signature string, err error) {
	k, err := parseSecret(secret)
	if err != nil {
		return "", err
	}
	m := Signed{ID: id, Timestamp: strconv.FormatInt(at.Unix(), 10)}
	if err := m.checkHeaders(); err != nil {
		return "", err
	}
	return "v1," + k.sign(m.ID, m.Timestamp, body), nil
}

// NewSecret returns a secret that nobody has.
func NewSecret() string {
	b := make([]byte, 32)
	rand.Read(b)
	return secretPrefix + base64.StdEncoding.EncodeToString(b)
}

// Draft is a partner that is to be.
type Draft struct {
	ID          string
	Types, SKUs []string
	Token       string // of the old scheme; empty: none
	Texts       []Text
}

// Add writes the document of a new partner into a folder, and makes that if need be. It
// returns the partner's secret. Where a partner of this id is, it stays as it is.
func Add(dir string, draft Draft, now time.Time) (secret string, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	unlock, err := lock(dir)
	if err != nil {
		return "", err
	}
	defer unlock()
	files, faults := readFiles(dir, now)
	if err := joined(faults); err != nil {
		return "", err
	}
	if i := indexOf(files, draft.ID); i >= 0 {
		return "", fmt.Errorf("%s: there is a partner %s; `tallystick partner rotate` gives it a new secret", files[i].path, draft.ID)
	}
	secret = NewSecret()
	d := document{ID: draft.ID, Keys: []documentKey{newKey(secret, now)}, Types: draft.Types, SKUs: draft.SKUs}
	if draft.Token != "" || len(draft.Texts) > 0 {
		d.Legacy = &documentLegacy{Token: draft.Token, Text: draft.Texts}
	}
	f, err := beside(files, file{path: filepath.Join(dir, draft.ID+".json"), document: d}, now)
	if err != nil {
		return "", err
	}
	like := "" // a document that serve can read, if there is one
	if len(files) > 0 {
		like = files[0].path
	}
	err = f.write(like, os.Link) // which replaces nothing
	switch {
	case errors.Is(err, fs.ErrExist):
		return "", fmt.Errorf("%s: there is such a file, of another partner: choose another id, or rename the file", f.path)
	case err != nil:
		return "", err
	}
	return secret, nil
}

// Rotate gives a partner a new key and returns its secret. The key before it stays
// active for overlap, or as long as it was to be if that is less; 0 ends it at once. Keys
// that have ended are dropped.
func Rotate(dir, id string, overlap time.Duration, now time.Time) (secret string, err error) {
	unlock, err := lock(dir)
	if err != nil {
		return "", err
	}
	defer unlock()
	files, faults := readFiles(dir, now)
	if err := joined(faults); err != nil {
		return "", err
	}
	i := indexOf(files, id)
	if i < 0 {
		return "", fmt.Errorf("%s: there is no partner %q; `tallystick partner list` names those that there are", dir, id)
	}
	f := files[i]
	keys := f.document.endBy(now.Add(overlap), now)
	if len(keys) == MaxActiveKeys {
		return "", fmt.Errorf("%s: two keys are active, and a third cannot be: wait until %s, or end both at once with an overlap of 0",
			f.path, min(keys[0].NotAfter, keys[1].NotAfter))
	}
	secret = NewSecret()
	f.document.Keys = append(keys, newKey(secret, now))
	if f, err = beside(slices.Delete(files, i, i+1), f, now); err != nil {
		return "", err
	}
	if err := f.write(f.path, os.Rename); err != nil {
		return "", err
	}
	return secret, nil
}

func newKey(secret string, now time.Time) documentKey {
	return documentKey{Secret: secret, Created: now.UTC().Format(time.RFC3339)}
}

func indexOf(files []file, id string) int {
	return slices.IndexFunc(files, func(f file) bool { return f.partner.ID == id })
}

// endBy returns the active keys, none of which is good for longer than until end.
func (d document) endBy(end, now time.Time) (keys []documentKey) {
	for _, k := range d.Keys {
		at, err := time.Parse(time.RFC3339, k.NotAfter)
		if err != nil || at.After(end) { // or it had no end
			at = end
		}
		if at.After(now) {
			k.NotAfter = at.UTC().Format(time.RFC3339)
			keys = append(keys, k)
		}
	}
	return keys
}

// beside returns a file with its partner, if that can be one beside the others.
func beside(others []file, f file, now time.Time) (file, error) {
	p, faults := f.document.partner(now)
	f.partner = p
	_, clashes := newSet(append(others, f))
	return f, errors.Join(append(faults, joined(clashes))...)
}
