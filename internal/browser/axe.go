package browser

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// WantAccessible wants a page, as the tab shows it now, in which axe-core finds no serious
// or critical fault: a name that a screen reader lacks, a contrast that is too low. It is
// a subtest, skipped where `make install` has not installed axe-core, except with CI=true.
//
// The script comes from the debugger, so the page's policy does not matter to it. Colours
// are those of the moment: let animations end, or emulate reduced motion.
func WantAccessible(t *testing.T, ctx context.Context) {
	t.Helper()
	t.Run("axe-core", func(t *testing.T) {
		script := axe(t)
		faults, err := faultsOf(ctx, script)
		if err != nil {
			t.Fatalf("axe-core cannot read the page: %v", err)
		}
		for _, f := range faults {
			t.Error(f)
		}
	})
}

func faultsOf(ctx context.Context, script string) ([]string, error) {
	if err := chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void](script)); err != nil {
		return nil, err
	}
	return chromedp.Run(ctx, chromedp.Evaluate[[]string](findFaults, chromedp.EvalAwaitPromise))
}

// findFaults says each fault in one line: how bad, which rule, where, and how to mend it.
// Without preload nothing is fetched again.
const findFaults = `axe.run(document, {resultTypes: ['violations'], preload: false}).then(({violations}) => violations
	.filter(v => v.impact == 'serious' || v.impact == 'critical')
	.flatMap(v => v.nodes.map(n => v.impact + ', ' + v.id + ': ' + v.help + ': ' + n.target.join(' ') + ' ' + n.html
		+ ': ' + n.failureSummary.replace(/\s+/g, ' '))))`

// axe is the text of axe-core.
func axe(t *testing.T) string {
	t.Helper()
	path, err := installed("axe-core/axe.min.js")
	if err == nil {
		var b []byte
		if b, err = os.ReadFile(path); err == nil {
			return string(b)
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("no axe-core, and CI=true promises one: run make install: %v", err)
	}
	t.Skipf("needs axe-core, which make install installs with npm: faults for screen readers and of contrast are not looked for: %v", err)
	return ""
}

// installed is where make install puts a file of an npm package: below tools, at the root
// of the module whose test this is.
func installed(file string) (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		_, err := os.Stat(filepath.Join(folder, "go.mod"))
		if err == nil {
			return filepath.Join(folder, "tools", "node_modules", filepath.FromSlash(file)), nil
		}
		if !errors.Is(err, fs.ErrNotExist) || strings.HasSuffix(folder, string(filepath.Separator)) {
			return "", err
		}
		folder = filepath.Dir(folder)
	}
}
