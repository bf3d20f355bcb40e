package inventory

import (
	"context"
	"fmt"
	"time"

	"github.com/tallystick/tallystick/internal/storage"
)

// Alert says that an item's availability fell to its threshold, once for each time that
// it did.
type Alert struct {
	SKU                  string
	Available, Threshold int64
	Time                 time.Time
}

// AlertLife is how long alerts are kept.
const AlertLife = 90 * 24 * time.Hour

const (
	alertKind     = "StockAlert"
	alertProperty = "time"
)

// entity is named by the item's version, of which there is one.
func (a Alert) entity(it *item) storage.Entity {
	return storage.Entity{
		Key:    storage.Key{Kind: alertKind, Name: pageName(it.number, it.version)},
		Index:  map[string]any{alertProperty: a.Time},
		Data:   encodeAlert(a),
		Expire: a.Time.Add(AlertLife),
	}
}

// Alerts is a page of alerts, the latest first.
type Alerts struct {
	Alerts []Alert
	Next   string
}

// Alerts returns a page of all items' alerts.
func (s *Service) Alerts(ctx context.Context, size int, token string) (Alerts, error) {
	found, err := s.store.Query(ctx, storage.Query{Kind: alertKind, OrderBy: alertProperty, Descending: true, Limit: size, Cursor: token})
	if err != nil {
		return Alerts{}, fmt.Errorf("inventory: alerts: %w", err)
	}
	page := Alerts{Next: found.Next}
	for _, e := range found.Entities {
		if !s.now().Before(e.Expire) {
			continue
		}
		a, err := decodeAlert(e.Data)
		if err != nil {
			return Alerts{}, fmt.Errorf("inventory: alert %s: %w", e.Key, err)
		}
		page.Alerts = append(page.Alerts, a)
	}
	return page, nil
}
