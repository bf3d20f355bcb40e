package archive

import (
	"fmt"
	"strings"

	"github.com/tallystick/tallystick/internal/partner"
)

// Partner is what a partner may do. Its secrets are in no archive.
type Partner struct {
	ID    string         `json:"id"`
	Types []string       `json:"types,omitzero"`
	SKUs  []string       `json:"skus,omitzero"`
	Texts []partner.Text `json:"texts,omitzero"` // of the old scheme
}

// check fails for a partner that no document could have: an archive may be anybody's, and
// what it says of partners goes into commands.
func (p *Partner) check() error {
	like := partner.Partner{ID: p.ID, Types: p.Types, SKUs: p.SKUs, Texts: p.Texts}
	if err := like.Check(); err != nil {
		return fmt.Errorf("partner %q: %s", p.ID, strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return nil
}
