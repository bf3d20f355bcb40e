package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick"
	"github.com/tallystick/tallystick/internal/inventory"
)

func verifyCommand() *cobra.Command {
	var url string
	c := &cobra.Command{
		Use:   "verify",
		Short: "Replay the ledger of stock and compare it with the balances",
		Long: `Replay every item's ledger, add up the live reservations, and compare both with the
balances. It reads the database itself, mends nothing, and may run while others sell.
It fails if anything differs.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			ctx := untilInterrupted(c)
			if err := wantFile(url); err != nil {
				return err
			}
			store, err := tallystick.OpenStore(ctx, url)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, store.Close()) }()
			faults := 0
			v, err := inventory.New(store, inventory.Options{}).Verify(ctx, func(f inventory.Fault) {
				faults++
				fmt.Fprintf(c.OutOrStdout(), "%s: %s\n", f.SKU, f.Reason)
			})
			if err != nil {
				return err
			}
			for _, sku := range v.Busy {
				fmt.Fprintf(c.OutOrStdout(), "%s: its reservations kept changing, so they were not added up; run it again\n", sku)
			}
			switch {
			case faults > 0:
				return fmt.Errorf("%s in %s", counted(int64(faults), "fault"), counted(int64(v.Items), "item"))
			case len(v.Busy) > 0:
				return fmt.Errorf("%s of %s kept changing", counted(int64(len(v.Busy)), "item"), grouped(int64(v.Items)))
			}
			fmt.Fprintf(c.OutOrStdout(), "%s with %s: the ledger and the balances agree\n", counted(int64(v.Items), "item"), counted(v.Movements, "movement"))
			return nil
		},
	}
	c.Flags().StringVar(&url, "store", envOr("STORE", defaultStore), "sqlite:PATH, datastore:PROJECT or firestore:PROJECT (STORE)")
	return c
}
