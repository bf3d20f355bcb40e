package inventory

import (
	"crypto/sha256"
	"encoding/base64"
)

// sealBytes of a hash bind a token to its list.
const sealBytes = 8

// sealToken makes the token of a place in a list. It is sealed to the list, so that one that was
// cut off, mistyped or is another list's is found out. There is no secret in it: who wants to
// can make one, and so a place may be any, and tells nothing that the list would not.
func sealToken(list string, place []byte) string {
	sum := sha256.Sum256(append([]byte(list+"\x00"), place...))
	return base64.RawURLEncoding.EncodeToString(append(sum[:sealBytes], place...))
}

// openToken returns the place, for who made it to read.
func openToken(list, token string) (*reader, error) {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) < sealBytes {
		return nil, ErrPageToken
	}
	place := b[sealBytes:]
	if sealToken(list, place) != token { // nor may it be written otherwise: the decoder overlooks line breaks
		return nil, ErrPageToken
	}
	return &reader{rest: place}, nil
}
