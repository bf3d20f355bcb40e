// Package partner is about the companies that send updates: who they are, how they
// prove it, and what they may touch.
//
// Read this file first, then document.go (how a partner is written down), files.go and
// folder.go (how the documents are read, and read again), webhook.go (how an update is
// signed, and that verified), service.go (how one is accepted), update.go and invalid.go
// (what it says, and what is wrong with it), delivery.go and row.go (what is kept of it).
// hint.go says what is to be done about keys.
// legacy.go, pytext.go and legacyupdate.go are the old scheme; sign.go and write.go the
// other side: signatures, secrets and documents are made.
package partner

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tallystick/tallystick/internal/inventory"
)

// Limits of what a partner may have.
const (
	MaxActiveKeys = 2  // one, and the one that follows it
	MaxKeys       = 10 // with those that have ended

	MinSecret, MaxSecret = 24, 64  // bytes that a secret encodes
	MinToken, MaxToken   = 16, 256 // bytes of a token of the old scheme
)

// updateTypes are the updates that there are.
var updateTypes = []string{StockAdjusted, StockCounted, DeliveryUpdated}

// Partner is a company that may send updates. None changes once it is read: after a
// change of its document there is another.
type Partner struct {
	ID    string
	Types []string // patterns of the updates that it may send, such as "stock.*"
	SKUs  []string // patterns of the items that it may touch, such as "ACME-*"
	Texts []Text   // what it may sign by the old scheme; none: it may not use that

	keys  []key
	token []byte // of the old scheme
}

// MaySend says whether the partner may send updates of a type.
func (p *Partner) MaySend(updateType string) bool {
	return slices.ContainsFunc(p.Types, func(pattern string) bool { return sends(pattern, updateType) })
}

// MayTouch says whether the partner may change an item's stock.
func (p *Partner) MayTouch(sku string) bool {
	return slices.ContainsFunc(p.SKUs, func(pattern string) bool { return touches(pattern, sku) })
}

// ActiveKeys returns until when each of the partner's active keys is good; the zero
// time is for ever.
func (p *Partner) ActiveKeys(now time.Time) (ends []time.Time) {
	for _, k := range p.keys {
		if k.Active(now) {
			ends = append(ends, k.NotAfter)
		}
	}
	return ends
}

// String is the id, and keeps the secrets out of whatever prints a partner.
func (p Partner) String() string { return p.ID }

// sends says whether a type is one of a pattern's, which may end with a *.
func sends(pattern, updateType string) bool {
	if start, all := strings.CutSuffix(pattern, "*"); all {
		return strings.HasPrefix(updateType, start)
	}
	return updateType == pattern
}

// touches says whether a SKU is one of a pattern's, in which each * is any text. Its
// parts are looked for from left to right, so a pattern cannot make it slow.
func touches(pattern, sku string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return sku == pattern
	}
	first, last := parts[0], parts[len(parts)-1]
	if len(sku) < len(first)+len(last) || !strings.HasPrefix(sku, first) || !strings.HasSuffix(sku, last) {
		return false
	}
	rest := sku[len(first) : len(sku)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		at := strings.Index(rest, part)
		if at < 0 {
			return false
		}
		rest = rest[at+len(part):]
	}
	return true
}

const textsForm = "it is a list of some of raw, python and compact, each once"

// Check says what of a partner no document may have. It tells the place in the document,
// and not what is there.
func (p *Partner) Check() error {
	f := new(faults)
	p.check(f)
	return errors.Join(*f...)
}

func (p *Partner) check(f *faults) {
	f.unless(isID(p.ID), "/id", "it has 1 to 63 of a-z, 0-9 and -, and does not begin with -")
	for i, t := range p.Types {
		f.unless(isTypePattern(t), fmt.Sprint("/types/", i), "it is none of "+strings.Join(updateTypes, ", ")+", nor the beginning of one with a * after it")
	}
	for i, s := range p.SKUs {
		f.unless(inventory.CheckSKU(strings.ReplaceAll(s, "*", "x")) == nil, fmt.Sprint("/skus/", i), "no item can have such a SKU; * stands for any text")
	}
	known := !slices.ContainsFunc(p.Texts, func(t Text) bool { return !slices.Contains(allTexts, t) })
	once := len(slices.Compact(slices.Sorted(slices.Values(p.Texts)))) == len(p.Texts)
	f.unless(known && once, "/legacy/text", textsForm)
}

// key is one of the keys that a partner signs with.
type key struct {
	Key
	secret secret
}

// secret is filled up with zeros to a block, as HMAC does with its keys. So all cost the
// same, and two that differ by zeros at their ends are seen to be one.
type secret [sha256.BlockSize]byte

const secretPrefix = "whsec_"

// errSecret does not say what the secret was.
var errSecret = fmt.Errorf("a secret is %s followed by the standard base64 of %d to %d bytes", secretPrefix, MinSecret, MaxSecret)

func parseSecret(text string) (s secret, err error) {
	encoded, ok := strings.CutPrefix(text, secretPrefix)
	raw, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if !ok || err != nil || len(raw) < MinSecret || len(raw) > MaxSecret || strings.ContainsAny(encoded, "\r\n") {
		return s, errSecret
	}
	copy(s[:], raw)
	return s, nil
}

// Set is all partners at one time.
type Set struct {
	// ReadTime is when all documents were last read well; zero where there is no folder, and
	// where they never were since it was opened.
	ReadTime time.Time
	// Wrong says which of them could not be read since, and why; nil: all could. Of those the
	// set has what was read before, or nothing.
	Wrong error

	partners []*Partner // by id
	byID     map[string]*Partner
	decoys   [MaxActiveKeys]secret // stand in for the keys that a partner has not
}

// newSet returns the partners of files, and what no two of them may share.
func newSet(files []file) (s *Set, clashes []fault) {
	if len(files) > maxPartners {
		over := fault{err: fmt.Errorf("there are over %d partners", maxPartners)}
		for _, f := range files {
			over.paths = append(over.paths, f.path)
		}
		clashes = append(clashes, over)
	}
	ids, secrets, tokens := make(owners[string]), make(owners[secret]), make(owners[string])
	s = &Set{byID: make(map[string]*Partner)}
	for _, f := range files {
		p := f.partner
		clashes = append(clashes, ids.take(p.ID, f.path, "its id")...)
		for _, k := range p.keys {
			clashes = append(clashes, secrets.take(k.secret, f.path, "one of its secrets")...)
		}
		if p.token != nil {
			clashes = append(clashes, tokens.take(string(p.token), f.path, "its token of the old scheme")...)
		}
		s.partners = append(s.partners, p)
		s.byID[p.ID] = p
	}
	slices.SortFunc(s.partners, func(a, b *Partner) int { return cmp.Compare(a.ID, b.ID) })
	for i := range s.decoys {
		rand.Read(s.decoys[i][:])
	}
	return s, clashes
}

// All returns the partners in order of id.
func (s *Set) All() []*Partner { return slices.Clone(s.partners) }

// owners are the files of what only one may have.
type owners[T comparable] map[T]string

func (o owners[T]) take(thing T, path, what string) (clash []fault) {
	other, taken := o[thing]
	switch {
	case taken && other == path:
		return []fault{faultOf(path, fmt.Errorf("%s is in it twice", what))}
	case taken:
		return []fault{{paths: []string{path, other}, err: fmt.Errorf("%s: %s is that of %s too: give one of them another", path, what, other)}}
	}
	o[thing] = path
	return nil
}
