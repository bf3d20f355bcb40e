// Command tallystick is the whole product on one machine, and the tools around it.
package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick"
	"github.com/tallystick/tallystick/internal/storage/sqlite"
)

func main() {
	tallystick.RegisterBackend("sqlite", sqlite.Open)
	root := &cobra.Command{
		Use:           "tallystick",
		Short:         "Counts, records and agreements for static websites and small shops",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(serveCommand(), functionCommand())
	if err := root.Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "tallystick:", err)
		os.Exit(1)
	}
}
