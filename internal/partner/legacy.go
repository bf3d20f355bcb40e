package partner

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"hash"
)

// The old scheme proves less: its key is the SHA-256, in lower-case hex, of the
// parameter's text followed by a token that both sides know. No time and no id are in
// it, so whoever sees one request can send it again for ever.

// Text is a form of the parameter's text, for senders hash what they have, and the
// parameter comes as their JSON library writes it.
type Text string

const (
	Raw     Text = "raw"     // byte for byte as it came
	Python  Text = "python"  // as Python's json.dumps writes it
	Compact Text = "compact" // without white space between its parts
)

var allTexts = []Text{Raw, Python, Compact}

// VerifyLegacy returns the partner whose token makes key of a parameter, which is JSON
// that strictjson takes. The tokens of all partners are tried, whichever it is.
func (s *Set) VerifyLegacy(param []byte, key string) (*Partner, error) {
	hashed := make(map[Text]hash.Cloner)
	for _, t := range allTexts {
		text, err := t.of(param)
		if err != nil {
			return nil, s.unproven()
		}
		hashed[t] = sha256.New().(hash.Cloner)
		hashed[t].Write(text)
	}
	found := -1
	for i, p := range s.partners {
		for _, t := range p.Texts {
			equal := subtle.ConstantTimeCompare([]byte(legacyKey(hashed[t], p.token)), []byte(key))
			found = subtle.ConstantTimeSelect(equal, i, found)
		}
	}
	if found < 0 {
		return nil, s.unproven()
	}
	return s.partners[found], nil
}

// legacyKey goes on from the hash of a text, which is the same for all tokens.
func legacyKey(text hash.Cloner, token []byte) string {
	h, err := text.Clone()
	if err != nil { // which SHA-256 does not
		panic(err)
	}
	h.Write(token)
	return hex.EncodeToString(h.Sum(nil))
}

func (t Text) of(param []byte) ([]byte, error) {
	switch t {
	case Python:
		return pythonText(param)
	case Compact:
		var b bytes.Buffer
		err := json.Compact(&b, param)
		return b.Bytes(), err
	}
	return param, nil
}
