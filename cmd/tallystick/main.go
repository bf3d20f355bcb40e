// Command tallystick is the whole product on one machine, and the tools around it.
package main

import (
	"fmt"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick"
	"github.com/tallystick/tallystick/internal/storage/sqlite"
)

func main() {
	tallystick.RegisterBackend("sqlite", sqlite.Open)
	root := &cobra.Command{
		Use:           "tallystick",
		Short:         "A backend for static websites and small shops: counts visits and stock, keeps JSON records, takes signed updates",
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(serveCommand(), functionCommand(), importCommand(), exportCommand(), retransformCommand(), verifyCommand(), partnerCommand(), signCommand(), loadCommand(), doctorCommand(), dashboardCommand())
	if err := root.Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "tallystick:", err)
		os.Exit(1)
	}
}

// version is what the Go toolchain knows of this build: a tag, or a commit's time and
// hash.
func version() string {
	if build, ok := debug.ReadBuildInfo(); ok {
		return build.Main.Version
	}
	return "unknown"
}
