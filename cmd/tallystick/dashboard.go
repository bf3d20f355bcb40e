package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/web"
)

func dashboardCommand() *cobra.Command {
	var gateway string
	c := &cobra.Command{
		Use:   "dashboard DIR",
		Short: "Write the dashboard as files for any host of static files",
		Long: `Write the dashboard as files for any host of static files. serve has it at /dashboard/;
this is for a gateway that serves no files, such as Google's.

It asks for a key, which stays in the browser's tab. The gateway has to name the origin of
these files in ALLOWED_ORIGINS.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) (err error) {
			if gateway != "" {
				if gateway, err = web.CheckGateway(gateway); err != nil {
					return fmt.Errorf("--gateway: %w", err)
				}
			}
			files := web.DashboardFiles(gateway)
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			if err := wantNoOtherPage(filepath.Join(args[0], "index.html")); err != nil {
				return err
			}
			for name, content := range files {
				if err := os.WriteFile(filepath.Join(args[0], name), content, 0o644); err != nil {
					return err
				}
			}
			fmt.Fprintf(c.OutOrStdout(), "%s in %s\n", counted(int64(len(files)), "file"), args[0])
			return nil
		},
	}
	c.Flags().StringVar(&gateway, "gateway", "", "the only gateway that the page talks to, such as https://HOST; else it asks for one")
	return c
}

// wantNoOtherPage refuses a folder with somebody's site in it. An older dashboard is
// written over.
func wantNoOtherPage(index string) error {
	before, err := os.ReadFile(index)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !web.IsDashboard(before):
		return fmt.Errorf("%s is another page's, which would be lost; give a folder of the dashboard's own", index)
	}
	return nil
}
