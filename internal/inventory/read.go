package inventory

import (
	"context"
	"fmt"

	"github.com/tallystick/tallystick/internal/storage"
)

const itemKind = "Item"

func itemKey(sku string) storage.Key { return storage.Key{Kind: itemKind, Name: sku} }

// Read returns the items of up to MaxRead SKUs that there are, in the order asked for,
// all as they are at one moment, and the SKUs that there are none of.
func (s *Service) Read(ctx context.Context, skus ...string) (items []Item, missing []string, err error) {
	if len(skus) > MaxRead {
		return nil, nil, fmt.Errorf("%w: at most %d at once, not %d", ErrLines, MaxRead, len(skus))
	}
	keys := make([]storage.Key, len(skus))
	for i, sku := range skus {
		if err := CheckSKU(sku); err != nil {
			return nil, nil, err
		}
		keys[i] = itemKey(sku)
	}
	found, err := s.store.Get(ctx, keys...)
	if err != nil {
		return nil, nil, fmt.Errorf("inventory: read: %w", err)
	}
	for i, e := range found {
		st, err := decode(e)
		if err != nil {
			return nil, nil, err
		}
		if st == nil {
			missing = append(missing, skus[i])
			continue
		}
		items = append(items, st.item.view(skus[i], st.item.latest(s.now())))
	}
	return items, missing, nil
}

// item reads one item.
func (s *Service) item(ctx context.Context, sku string) (*item, error) {
	if err := CheckSKU(sku); err != nil {
		return nil, err
	}
	found, err := s.store.Get(ctx, itemKey(sku))
	if err != nil {
		return nil, fmt.Errorf("inventory: read %s: %w", sku, err)
	}
	st, err := decode(found[0])
	if err != nil {
		return nil, err
	}
	if st == nil {
		return nil, fmt.Errorf("%w: %s", ErrItemNotFound, sku)
	}
	return st.item, nil
}

// Items is a page of items, in order of SKU.
type Items struct {
	Items []Item
	Next  string
}

// List returns a page of all items.
func (s *Service) List(ctx context.Context, size int, token string) (Items, error) {
	found, err := s.store.Query(ctx, storage.Query{Kind: itemKind, Limit: size, Cursor: token})
	if err != nil {
		return Items{}, fmt.Errorf("inventory: list: %w", err)
	}
	page := Items{Next: found.Next}
	for _, e := range found.Entities {
		st, err := decode(e)
		if err != nil {
			return Items{}, err
		}
		page.Items = append(page.Items, st.item.view(e.Key.Name, st.item.latest(s.now())))
	}
	return page, nil
}
