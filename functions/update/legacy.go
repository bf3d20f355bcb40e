package update

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/partner"
)

type legacyInput struct{ edge.Raw }

type legacyOutput struct {
	Sunset string `header:"Sunset" doc:"When this route goes away (RFC 8594)."`
	Body   legacyReply
}

type legacyReply struct {
	Status bool   `json:"status" doc:"Whether it is done, and stored."`
	Msg    string `json:"msg" doc:"success, or what is wrong."`
	ID     string `json:"id,omitempty" doc:"The update's id, made here."`
}

// legacyLimit is how many updates of the old scheme an address may send a second. Each
// costs a hash for every partner that has a token.
const legacyLimit = 5

const exampleLegacy = `{"datas":[{"id":"D-1","status":"shipped"},{"key":"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}]}`

func (h handlers) registerLegacy() {
	edge.Register(h.api, edge.Operation{
		Operation: huma.Operation{
			OperationID: "acceptLegacyUpdate", Method: http.MethodPost, Path: "/update",
			Summary: "Send an update by the old scheme",
			Description: "For partners who cannot sign yet; off (410) unless LEGACY_UPDATES is set. `datas` is a parameter, any object, and `{\"key\":K}`, where K is the SHA-256, in lower-case hex, of the parameter's text followed by the token that was agreed on. " +
				"A parameter with the `type` of a signed update is done like one; one with a `status` that is a text is an update of the delivery that its `id` names; any other is kept as it is. What is sent again is done again.",
			RequestBody: &huma.RequestBody{Required: true, Description: "The parameter and its key.", Content: map[string]*huma.MediaType{
				"application/json": {Schema: &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}, Example: object(exampleLegacy)},
			}},
			Deprecated:  true,
			Middlewares: huma.Middlewares{h.sunset},
			Errors: []int{
				http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusGone, http.StatusUnprocessableEntity, http.StatusServiceUnavailable,
			},
		},
		Signed:  true,
		Limit:   legacyLimit,
		Refusal: legacyRefusal,
		Example: legacyReply{Status: true, Msg: "success", ID: "legacy-0123456789abcdef01234567"},
	}, h.legacy)
}

// legacyRefusal is how the old scheme says no.
func legacyRefusal(p *edge.Problem) any {
	msg := p.Detail
	if msg == "" {
		msg = p.Title
	}
	return legacyReply{Msg: msg}
}

// unknownParam is what the old scheme has always said of a key that does not fit.
const unknownParam = "Param tidak diketahui"

// legacy is POST /update.
func (h handlers) legacy(ctx context.Context, in *legacyInput) (*legacyOutput, error) {
	if _, on := h.legacyUntil(); !on {
		return nil, edge.NewProblem(http.StatusGone, "LEGACY_OFF", "The old scheme is off. Send signed updates to /partners/{partner}/updates.")
	}
	receipt, err := h.partners.AcceptLegacy(ctx, in.Bytes())
	if err != nil {
		return nil, h.legacyProblem(err)
	}
	return &legacyOutput{Body: legacyReply{Status: true, Msg: "success", ID: receipt.ID}}, nil
}

// sunset says with every reply, while the old scheme is on, when it ends.
func (h handlers) sunset(ctx huma.Context, next func(huma.Context)) {
	if until, on := h.legacyUntil(); on {
		ctx.SetHeader("Sunset", until.UTC().Format(http.TimeFormat))
	}
	next(ctx)
}

func (h handlers) legacyUntil() (until time.Time, on bool) {
	until, on = h.api.Config.LegacyUntil()
	return until, on && h.api.Now().Before(until)
}

// legacyProblem is problem, where the old scheme has words of its own. To those who do not
// know whether an update was done it gives no time to try again: it would be done twice.
func (h handlers) legacyProblem(err error) error {
	switch {
	case errors.Is(err, partner.ErrSignature):
		return edge.NewProblem(http.StatusUnauthorized, "SIGNATURE_INVALID", unknownParam)
	case errors.Is(err, partner.ErrUnknown):
		return edge.NewProblem(http.StatusServiceUnavailable, "OUTCOME_UNKNOWN",
			"It is not known whether this was done. Look before you send it again: by the old scheme it would be done twice.")
	}
	return h.problem(err)
}
