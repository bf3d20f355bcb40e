package stock

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/inventory"
	"github.com/tallystick/tallystick/internal/stockhttp"
	"github.com/tallystick/tallystick/web/scripts"
)

// Item is an item as anyone may see it.
type Item struct {
	SKU       string `json:"sku" doc:"The item."`
	Available int64  `json:"available" doc:"What can be sold: onHand less reserved. Below zero only as far as the item may be oversold."`
	OnHand    int64  `json:"onHand" doc:"The sum of its movements."`
	Reserved  int64  `json:"reserved" doc:"The sum of its live reservations."`
	Version   int64  `json:"version" doc:"1 for a new item, one more with each change."`
}

func itemOf(i inventory.Item) Item {
	return Item{i.SKU, i.Available(), i.OnHand, i.Reserved, i.Version}
}

// keyedItem is an item as those with a key see it.
type keyedItem struct {
	Item
	OversellLimit     int64     `json:"oversellLimit" doc:"How far available may go below zero."`
	LowStockThreshold *int64    `json:"lowStockThreshold" doc:"There is an alert when available falls to it; null: never."`
	Low               bool      `json:"low" doc:"Whether available is not above the threshold."`
	CreateTime        time.Time `json:"createTime" doc:"When the item was made."`
	UpdateTime        time.Time `json:"updateTime" doc:"When it was changed last."`
}

func keyedItemOf(i inventory.Item) keyedItem {
	return keyedItem{itemOf(i), i.OversellLimit, i.LowStock, i.Low(), i.Created, i.Updated}
}

// ItemPath is the item in a path. huma wants it exported.
type ItemPath struct {
	SKU string `path:"sku" doc:"The item: 1 to 64 letters, digits and . _ ~ : @ -" example:"WIDGET"`
}

type itemInput struct{ ItemPath }

type itemOutput struct{ Body Item }

type itemsInput struct {
	SKUs []string `query:"skus" required:"true" minItems:"1" maxItems:"100" doc:"The items, separated by commas; skus may also be given several times." example:"[\"WIDGET\",\"GADGET\"]"`
}

// Resolve is called by huma for each request. By itself it takes the first skus only.
func (i *itemsInput) Resolve(ctx huma.Context) []error {
	url := ctx.URL()
	lists := url.Query()["skus"]
	if len(lists) < 2 {
		return nil
	}
	if i.SKUs = strings.Split(strings.Join(lists, ","), ","); len(i.SKUs) > inventory.MaxRead {
		return []error{&huma.ErrorDetail{Location: "query.skus", Message: fmt.Sprintf("expected array length <= %d", inventory.MaxRead)}}
	}
	return nil
}

type itemsOutput struct{ Body stockItems }

type stockItems struct {
	Items   []Item   `json:"items" doc:"The items that there are, in the order asked for, all as they are at one moment."`
	Missing []string `json:"missing" doc:"The SKUs that there are none of."`
}

type listInput struct{ edge.List }

type listOutput struct{ Body keyedItems }

type keyedItems struct {
	Items         []keyedItem `json:"items" doc:"The items, in order of SKU."`
	NextPageToken string      `json:"nextPageToken" doc:"For the next page; empty at the end."`
}

func (h handlers) registerRead() {
	edge.Register(h.api, edge.Operation{
		Operation: huma.Operation{
			OperationID: "readItem", Method: http.MethodGet, Path: "/stock/{sku}",
			Summary:     "Read an item's stock",
			Description: "What is there of the item now. Reservations that have expired hold nothing.",
			Errors:      []int{http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
		},
		Public:  true,
		Example: exampleItem,
	}, h.read)
	edge.Register(h.api, edge.Operation{
		Operation: huma.Operation{
			OperationID: "readItems", Method: http.MethodGet, Path: "/stock",
			Summary:     "Read the stock of several items",
			Description: "Up to 100 items, all as they are at one moment.",
			Errors:      []int{http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
		},
		Public:  true,
		Example: stockItems{Items: []Item{exampleItem}, Missing: []string{"GADGET"}},
	}, h.readMany)
	edge.Register(h.api, edge.Operation{
		Operation: huma.Operation{
			OperationID: "listItems", Method: http.MethodGet, Path: "/items",
			Summary: "List all items",
			Errors:  []int{http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
		},
		Example: keyedItems{Items: []keyedItem{exampleKeyed}},
	}, h.list)
	edge.Register(h.api, edge.Operation{
		Operation: huma.Operation{
			OperationID: "stockScript", Method: http.MethodGet, Path: "/stock/count.js",
			Summary:     "The script for pages",
			Description: "Fills every `<stock-count sku=\"…\">` of a page: `<script src=\"…/stock/count.js\" defer></script>`.",
			Responses: map[string]*huma.Response{"200": {
				Description: "The script.",
				Content:     map[string]*huma.MediaType{"text/javascript": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}},
			}},
		},
		Public:  true,
		Example: "…",
	}, h.script)
}

// read is GET /stock/{sku}.
func (h handlers) read(ctx context.Context, in *itemInput) (*itemOutput, error) {
	items, missing, err := h.stock.Read(ctx, in.SKU)
	if err != nil {
		return nil, stockhttp.Problem(err)
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("%w: %s", inventory.ErrItemNotFound, in.SKU)
	}
	return &itemOutput{itemOf(items[0])}, nil
}

// readMany is GET /stock.
func (h handlers) readMany(ctx context.Context, in *itemsInput) (*itemsOutput, error) {
	items, missing, err := h.stock.Read(ctx, in.SKUs...)
	if err != nil {
		return nil, stockhttp.Problem(err)
	}
	out := &itemsOutput{stockItems{Items: []Item{}, Missing: append([]string{}, missing...)}}
	for _, i := range items {
		out.Body.Items = append(out.Body.Items, itemOf(i))
	}
	return out, nil
}

// list is GET /items.
func (h handlers) list(ctx context.Context, in *listInput) (*listOutput, error) {
	page, err := h.stock.List(ctx, in.Size(), in.PageToken)
	if err != nil {
		return nil, stockhttp.Problem(err)
	}
	out := &listOutput{keyedItems{Items: []keyedItem{}, NextPageToken: page.Next}}
	for _, i := range page.Items {
		out.Body.Items = append(out.Body.Items, keyedItemOf(i))
	}
	return out, nil
}

type scriptOutput struct {
	ContentType  string `header:"Content-Type" hidden:"true"`
	CacheControl string `header:"Cache-Control" doc:"For how long a browser may keep it."`
	Body         []byte
}

// script is GET /stock/count.js.
func (h handlers) script(context.Context, *struct{}) (*scriptOutput, error) {
	return &scriptOutput{"text/javascript; charset=utf-8", "public, max-age=3600", scripts.StockJS}, nil
}
