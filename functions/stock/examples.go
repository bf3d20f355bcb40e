package stock

import (
	"time"

	"github.com/tallystick/tallystick/internal/inventory"
)

// Examples of replies, as the specification shows them. A test sends the requests'
// examples and compares.

var exampleTime = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func exampleKeyedItem(onHand, reserved, version int64) keyedItem {
	threshold := int64(5)
	return keyedItem{
		Item:              Item{SKU: "WIDGET", Available: onHand - reserved, OnHand: onHand, Reserved: reserved, Version: version},
		LowStockThreshold: &threshold, CreateTime: exampleTime, UpdateTime: exampleTime,
	}
}

var (
	exampleItem  = exampleKeyed.Item
	exampleKeyed = exampleKeyedItem(40, 0, 2)

	exampleSet      = exampleKeyedItem(40, 0, 3)
	exampleAdjusted = exampleKeyedItem(52, 0, 3)
	exampleCounted  = exampleKeyedItem(40, 0, 3)
	exampleBatch    = batchDone{[]keyedItem{exampleGadget, exampleKeyedItem(38, 0, 3)}}
	exampleGadget   = keyedItem{
		Item:       Item{SKU: "GADGET", Available: 5, OnHand: 5, Version: 2},
		CreateTime: exampleTime, UpdateTime: exampleTime,
	}

	exampleMovement = movement{
		Number: 1, Type: inventory.Counted, Delta: 40, OnHand: 40, Reason: "stocktaking", Who: "key", Time: exampleTime,
	}
	exampleAlert = stockAlert{SKU: "WIDGET", Available: 4, Threshold: 5, Time: exampleTime}

	exampleHeld      = exampleReservation(inventory.Held, 0, 10*time.Minute)
	exampleExtended  = exampleReservation(inventory.Held, 0, time.Hour)
	exampleReleased  = exampleReservation(inventory.StatusReleased, 0, 10*time.Minute)
	exampleCommitted = exampleReservation(inventory.StatusCommitted, 2, 10*time.Minute)
)

func exampleReservation(status inventory.Status, committed int64, ttl time.Duration) reservation {
	r := reservation{
		ID: "9ety6bdtcyc0y100qyx9900", Status: status, Lines: []reservationLine{{"WIDGET", 2, committed}},
		Reference: "ORDER-7", Who: "key", CreateTime: exampleTime, ExpireTime: exampleTime.Add(ttl),
	}
	if status != inventory.Held {
		r.EndTime = &exampleTime
	}
	return r
}
