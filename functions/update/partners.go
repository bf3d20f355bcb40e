package update

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/partner"
)

type partnersOutput struct{ Body knownPartners }

type knownPartners struct {
	Partners []knownPartner `json:"partners" doc:"All partners, in order of id: up to 1,000."`
	ReadTime *time.Time     `json:"readTime,omitempty" doc:"When all documents were last read well; not there: PARTNERS names no folder, or they never were since the function started."`
	Stale    bool           `json:"stale" doc:"Whether some of them could not be read since: those are as they were before, for up to ten minutes, or not there. The log says what is wrong."`
}

type knownPartner struct {
	ID     string       `json:"id" doc:"The partner."`
	Types  []string     `json:"types" doc:"The updates that it may send; * is the rest of any type."`
	SKUs   []string     `json:"skus" doc:"The items that it may change; * is any text."`
	Legacy bool         `json:"legacy" doc:"Whether it has a token of the old scheme."`
	Keys   []partnerKey `json:"keys" doc:"Its keys, without their secrets, which nobody can read."`
	Hints  []string     `json:"hints" doc:"What is to be done about its keys, in words; empty: nothing."`
}

type partnerKey struct {
	Active     bool       `json:"active" doc:"Whether updates may be signed with it now."`
	CreateTime *time.Time `json:"createTime,omitempty" doc:"When it was made, if that is known."`
	NotAfter   *time.Time `json:"notAfter,omitempty" doc:"When it ends; not there: it does not."`
}

func (h handlers) registerPartners() {
	edge.Register(h.api, edge.Operation{
		Operation: huma.Operation{
			OperationID: "listPartners", Method: http.MethodGet, Path: "/partners",
			Summary:     "List the partners",
			Description: "Who may send updates, which, and what is to be done about their keys. Never a secret. The documents of partners are read again every 60 seconds.",
			Errors:      []int{http.StatusServiceUnavailable},
		},
		Example: knownPartners{Partners: []knownPartner{examplePartner}, ReadTime: &exampleTime},
	}, h.listPartners)
}

var examplePartner = knownPartner{
	ID: "acme", Types: []string{"*"}, SKUs: []string{"ACME-*"}, Legacy: true,
	Keys:  []partnerKey{{Active: true, CreateTime: &exampleTime}},
	Hints: []string{`Its token of the old scheme is accepted until 2028-01-01 at 00:00 UTC: have it sign its updates, then remove "legacy" from the document.`},
}

// listPartners is GET /partners.
func (h handlers) listPartners(context.Context, *struct{}) (*partnersOutput, error) {
	set, err := h.folder.Partners()
	if err != nil {
		return nil, err
	}
	now := h.api.Now()
	legacyUntil, _ := h.api.Config.LegacyUntil()
	out := &partnersOutput{knownPartners{Partners: []knownPartner{}, ReadTime: known(set.ReadTime.UTC().Truncate(time.Second)), Stale: set.Wrong != nil}}
	for _, p := range set.All() {
		out.Body.Partners = append(out.Body.Partners, knownPartnerOf(p, now, legacyUntil))
	}
	return out, nil
}

func knownPartnerOf(p *partner.Partner, now, legacyUntil time.Time) knownPartner {
	w := knownPartner{
		ID: p.ID, Types: append([]string{}, p.Types...), SKUs: append([]string{}, p.SKUs...), Legacy: len(p.Texts) > 0,
		Keys: []partnerKey{}, Hints: append([]string{}, p.Hints(now, legacyUntil)...),
	}
	for _, k := range p.Keys() {
		w.Keys = append(w.Keys, partnerKey{k.Active(now), known(k.Created), known(k.NotAfter)})
	}
	return w
}

// known is a time that is there.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
