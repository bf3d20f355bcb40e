package record

import (
	"errors"
	"fmt"
	"strings"
)

// ErrPrecondition says that a record is not as a Condition wants it.
var ErrPrecondition = errors.New("the condition does not hold")

// Condition is what a write demands of what is there (RFC 9110, section 13).
type Condition struct {
	IfMatch     string // entity tags separated by commas, or *: it exists
	IfNoneMatch string // *: it does not exist; or entity tags that it has not
}

func (c Condition) check(etag string, exists bool) error {
	switch {
	case c.IfMatch != "" && !exists:
		return fmt.Errorf("%w: there is none", ErrPrecondition)
	case c.IfMatch != "" && !match(c.IfMatch, etag):
		return fmt.Errorf("%w: it is %s now", ErrPrecondition, etag)
	case c.IfNoneMatch != "" && exists && NoneMatch(c.IfNoneMatch, etag):
		return fmt.Errorf("%w: it exists, and is %s now", ErrPrecondition, etag)
	}
	return nil
}

// NoneMatch says whether If-None-Match, a list of entity tags or *, names this one. It
// compares weakly: who compresses a reply on its way makes its tag a weak one.
func NoneMatch(list, etag string) bool { return names(list, etag, "W/") }

// match says the same of If-Match. It compares strongly: a weak tag matches nothing.
func match(list, etag string) bool { return names(list, etag, "") }

func names(list, etag, prefix string) bool {
	if strings.TrimSpace(list) == "*" {
		return true
	}
	for _, tag := range strings.Split(list, ",") {
		if strings.TrimPrefix(strings.TrimSpace(tag), prefix) == etag {
			return true
		}
	}
	return false
}
