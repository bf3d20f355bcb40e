// Package browser starts Chromium for tests.
package browser

import (
	"context"
	"os"
	"os/exec"
	"testing"

	"github.com/chromedp/chromedp"
)

// Start starts a Chromium of the test's own, with options beside those that every test
// needs, and closes it at the test's end. A tab is a chromedp.NewContext of what it
// returns. Without Chromium the test is skipped, except where CI=true promises one.
func Start(t testing.TB, options ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	if _, err := exec.LookPath("chromium"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("no chromium on the PATH, and CI=true promises one")
		}
		t.Skip("needs chromium on the PATH: the behaviour in a browser is not tested")
	}
	profile, err := os.MkdirTemp("", "tallystick-chromium-*")
	if err != nil {
		t.Fatal(err)
	}
	all := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath("chromium"), chromedp.UserDataDir(profile), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-quic", true))
	alloc, cancelAlloc := chromedp.NewExecAllocator(context.Background(), append(all, options...)...)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Errorf("closing chromium: %v", err)
		}
		cancel()
		cancelAlloc()
		if err := os.RemoveAll(profile); err != nil {
			t.Errorf("removing chromium's profile: %v", err)
		}
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("starting chromium: %v", err)
	}
	return ctx
}
