package archive

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/tallystick/tallystick/internal/inventory"
	"github.com/tallystick/tallystick/internal/partner"
)

// Partner is what a partner may do. Its secrets are in no archive.
type Partner struct {
	ID    string         `json:"id"`
	Types []string       `json:"types,omitzero"`
	SKUs  []string       `json:"skus,omitzero"`
	Texts []partner.Text `json:"texts,omitzero"` // of the old scheme
}

var (
	partnerIDs   = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
	partnerTypes = []string{partner.StockAdjusted, partner.StockCounted, partner.DeliveryUpdated}
	partnerTexts = []partner.Text{partner.Raw, partner.Python, partner.Compact}
)

// check fails for a partner that no document could have: an archive may be anybody's, and
// what it says of partners goes into commands.
func (p *Partner) check() error {
	if !partnerIDs.MatchString(p.ID) {
		return fmt.Errorf("partner %q: an id has 1 to 63 of a-z, 0-9 and -, and does not begin with -", p.ID)
	}
	for _, pattern := range p.Types {
		like := partner.Partner{Types: []string{pattern}}
		if !slices.ContainsFunc(partnerTypes, like.MaySend) {
			return fmt.Errorf("partner %s: it may send %q, and no update is of such a type", p.ID, pattern)
		}
	}
	for _, pattern := range p.SKUs {
		if err := inventory.CheckSKU(strings.ReplaceAll(pattern, "*", "x")); err != nil {
			return fmt.Errorf("partner %s: it may touch %q, and no item has such a SKU", p.ID, pattern)
		}
	}
	for i, text := range p.Texts {
		if !slices.Contains(partnerTexts, text) || slices.Contains(p.Texts[:i], text) {
			return errors.New("partner " + p.ID + ": its texts are some of raw, python and compact, each once")
		}
	}
	return nil
}
