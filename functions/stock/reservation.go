package stock

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/inventory"
	"github.com/tallystick/tallystick/internal/stockhttp"
)

type reserveInput struct {
	IdempotencyKey
	Body reserve
}

type reserve struct {
	Lines      []stockLine `json:"lines" minItems:"1" maxItems:"100" doc:"What to hold. Lines of one SKU are summed first." example:"[{\"sku\":\"WIDGET\",\"quantity\":2}]"`
	TTLSeconds int64       `json:"ttlSeconds,omitempty" minimum:"10" maximum:"86400" default:"600" doc:"How long to hold it. It expires at the whole second that follows; held for more than an hour, at the whole minute." example:"600"`
	Reference  string      `json:"reference,omitempty" maxLength:"200" doc:"What it belongs to, such as an order, for the ledger." example:"ORDER-7"`
}

type stockLine struct {
	SKU      string `json:"sku" doc:"The item."`
	Quantity int64  `json:"quantity" minimum:"1" maximum:"9007199254740991" doc:"How many."`
}

// ReservationPath is the reservation in a path. huma wants it exported.
type ReservationPath struct {
	ID string `path:"id" maxLength:"64" doc:"The reservation." example:"9ety6bdtcyc0y100qyx9900"`
}

type reservationInput struct{ ReservationPath }

type reservationsInput struct {
	edge.List
	SKU string `query:"sku" doc:"Only those that hold some of this item." example:"WIDGET"`
}

type reservationsOutput struct{ Body reservations }

type reservations struct {
	Reservations  []reservation `json:"reservations" doc:"Those that are held now, next to expire first. Reservations that were made at the same moment may come together, in the place of the last of them to expire."`
	NextPageToken string        `json:"nextPageToken" doc:"For the next page; empty at the end. A page may have fewer reservations than were asked for before it."`
}

type commitInput struct {
	ReservationPath
	IdempotencyKey
	Body *commit
}

type commit struct {
	Lines     []commitLine `json:"lines,omitempty" minItems:"1" maxItems:"100" doc:"What is sold of what is held; the rest is free again. Left out: all of it."`
	Reference string       `json:"reference,omitempty" maxLength:"200" doc:"What it belongs to, for the ledger; left out: what the reservation says." example:"INVOICE-9"`
}

type commitLine struct {
	SKU      string `json:"sku" doc:"The item."`
	Quantity int64  `json:"quantity" minimum:"0" maximum:"9007199254740991" doc:"How many, at most what is held."`
}

type releaseInput struct {
	ReservationPath
	IdempotencyKey
	Body *release
}

// release has no field: who thinks that a part can be released, by lines, is told.
type release struct{}

type extendInput struct {
	ReservationPath
	IdempotencyKey
	Body *extend
}

type extend struct {
	TTLSeconds int64 `json:"ttlSeconds,omitempty" minimum:"10" maximum:"86400" default:"600" doc:"How long to hold it from now on. It never expires earlier than it would have." example:"3600"`
}

type reservationOutput struct {
	Done
	Body reservation
}

type reservation struct {
	ID         string            `json:"id" doc:"Its id."`
	Status     inventory.Status  `json:"status" enum:"held,committed,released,expired" doc:"held until it ends, which it does once."`
	Lines      []reservationLine `json:"lines" doc:"What it holds, or held, in order of SKU."`
	Reference  string            `json:"reference,omitempty" doc:"What it belongs to."`
	Who        string            `json:"who" doc:"Who made it."`
	CreateTime time.Time         `json:"createTime" doc:"When it was made."`
	ExpireTime time.Time         `json:"expireTime" doc:"When it expires, or would have."`
	EndTime    *time.Time        `json:"endTime,omitempty" doc:"When it was committed or released."`
}

type reservationLine struct {
	SKU       string `json:"sku" doc:"The item."`
	Quantity  int64  `json:"quantity" doc:"What was reserved."`
	Committed int64  `json:"committed" doc:"What of it was committed."`
}

func reservationOf(r inventory.Reservation) reservation {
	w := reservation{
		ID: r.ID, Status: r.Status, Reference: r.Reference, Who: r.Who,
		CreateTime: r.Created, ExpireTime: r.Expires,
	}
	for _, l := range r.Lines {
		w.Lines = append(w.Lines, reservationLine(l))
	}
	if !r.Ended.IsZero() {
		w.EndTime = &r.Ended
	}
	return w
}

func (h handlers) registerReservations() {
	op := func(id, path, summary, description string, example reservation) edge.Operation {
		return edge.Operation{
			Operation: huma.Operation{
				OperationID: id, Method: http.MethodPost, Path: path, Summary: summary, Description: description,
				Errors: withNotFound(changeErrors),
			},
			Example: example,
		}
	}
	create := op("createReservation", "/reservations", "Reserve stock",
		"Holds all of the lines, or none (INSUFFICIENT_STOCK, with what is available): a sale's first phase. What is held is not available to others, until the reservation is committed, released, or expires by itself.", exampleHeld)
	create.DefaultStatus = http.StatusCreated
	edge.Register(h.api, create, h.reserve)
	edge.Register(h.api, edge.Operation{
		Operation: huma.Operation{
			OperationID: "readReservation", Method: http.MethodGet, Path: "/reservations/{id}",
			Summary:     "Read a reservation",
			Description: "A reservation can be read for 30 days after its expireTime.",
			Errors:      []int{http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
		},
		Example: exampleHeld,
	}, h.reservation)
	edge.Register(h.api, edge.Operation{
		Operation: huma.Operation{
			OperationID: "listReservations", Method: http.MethodGet, Path: "/reservations",
			Summary:     "List the reservations that are held",
			Description: "What is reserved now, and until when. What is made, extended or ended while the pages are read may come twice or not at all.",
			Errors:      []int{http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
		},
		Example: reservations{Reservations: []reservation{exampleHeld}},
	}, h.reservations)
	const once = " A reservation ends once: RESERVATION_COMMITTED, RESERVATION_RELEASED or RESERVATION_EXPIRED say how it did."
	edge.Register(h.api, op("commitReservation", "/reservations/{id}/commit", "Commit a reservation",
		"Takes what is held off what is on hand: a sale's second phase. With lines, only what they say; the rest is free again."+once, exampleCommitted), h.commit)
	edge.Register(h.api, op("releaseReservation", "/reservations/{id}/release", "Release a reservation",
		"Gives back what is held."+once, exampleReleased), h.release)
	edge.Register(h.api, op("extendReservation", "/reservations/{id}/extend", "Extend a reservation",
		"Lets it expire later."+once, exampleExtended), h.extend)
}

// reserve is POST /reservations.
func (h handlers) reserve(ctx context.Context, in *reserveInput) (*reservationOutput, error) {
	hold := inventory.Hold{TTL: time.Duration(in.Body.TTLSeconds) * time.Second, Reference: in.Body.Reference}
	for _, l := range in.Body.Lines {
		hold.Lines = append(hold.Lines, inventory.Line(l))
	}
	return reserved(h.stock.Reserve(ctx, in.caller(ctx), hold))
}

// reservation is GET /reservations/{id}.
func (h handlers) reservation(ctx context.Context, in *reservationInput) (*reservationOutput, error) {
	r, err := h.stock.Reservation(ctx, in.ID)
	if err != nil {
		return nil, stockhttp.Problem(err)
	}
	return &reservationOutput{Body: reservationOf(r)}, nil
}

// reservations is GET /reservations.
func (h handlers) reservations(ctx context.Context, in *reservationsInput) (*reservationsOutput, error) {
	page, err := h.stock.Reservations(ctx, in.SKU, in.Size(), in.PageToken)
	if err != nil {
		return nil, stockhttp.Problem(err)
	}
	out := &reservationsOutput{reservations{Reservations: []reservation{}, NextPageToken: page.Next}}
	for _, r := range page.Reservations {
		out.Body.Reservations = append(out.Body.Reservations, reservationOf(r))
	}
	return out, nil
}

// commit is POST /reservations/{id}/commit.
func (h handlers) commit(ctx context.Context, in *commitInput) (*reservationOutput, error) {
	var lines []inventory.Line
	reference := ""
	if in.Body != nil {
		reference = in.Body.Reference
		for _, l := range in.Body.Lines {
			lines = append(lines, inventory.Line(l))
		}
	}
	return reserved(h.stock.Commit(ctx, in.caller(ctx), in.ID, lines, reference))
}

// release is POST /reservations/{id}/release.
func (h handlers) release(ctx context.Context, in *releaseInput) (*reservationOutput, error) {
	return reserved(h.stock.Release(ctx, in.caller(ctx), in.ID))
}

// extend is POST /reservations/{id}/extend.
func (h handlers) extend(ctx context.Context, in *extendInput) (*reservationOutput, error) {
	var ttl time.Duration
	if in.Body != nil {
		ttl = time.Duration(in.Body.TTLSeconds) * time.Second
	}
	return reserved(h.stock.Extend(ctx, in.caller(ctx), in.ID, ttl))
}

func reserved(r inventory.Result, err error) (*reservationOutput, error) {
	if err != nil {
		return nil, stockhttp.Problem(err)
	}
	return &reservationOutput{Done: done(r), Body: reservationOf(*r.Reservation)}, nil
}
