//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/tallystick/tallystick/internal/browser"
)

// What the documents have in place of a reader's own.
const (
	docsURL  = "http://127.0.0.1:8080" // where commands find the server, and replies name it
	docsHost = "https://HOST"          // where pages and programs do
)

// checkedElsewhere are blocks that cannot be run here, by their page and first line,
// or language, and what checks them instead.
var checkedElsewhere = map[string]string{
	"README.md: git clone https://github.com/tallystick/tallystick":                                                              "TestTwoMinutes does it, with a clone of this repository",
	"docs/operator.md: go install ./cmd/tallystick":                                                                              "it installs and goes on; TestStartPrintsWhatANewcomerNeeds serves",
	"docs/operator.md: (umask 077; tallystick partner add acme --types 'stock.*,delivery.updated' --skus 'ACME-*' >acme.secret)": "it goes on; openDocPage adds this partner and starts this server for each page",

	"docs/backup.md: tallystick import --all shop.tallystick.gz --store datastore:my-project          # into an empty database":               "needs Datastore; TestAnArchiveOfAnySizeComesBack has its emulator",
	"docs/backup.md: tallystick export --all -o shop.tallystick.gz                    # stop serving first, or what comes after is not in it": "needs Datastore, as above",
	"docs/backup.md: tallystick serve --addr 127.0.0.1:9090":                                                                                  "it goes on; TestAShopComesBackFromItsArchive serves what was imported",
	"docs/benchmarks.md: RATE_LIMIT=0 tallystick serve --store sqlite:load.db --log-level warn":                                               "it goes on; load_test.go has each of its commands",

	"docs/operator.md: ./deploy.sh --project my-project --allowed-origins https://example.com --smoke":   inDeploy,
	"docs/deploying.md: ./deploy.sh --project my-project --allowed-origins https://shop.example --smoke": inDeploy,
	"docs/deploying.md: ./deploy.sh --project my-project --functions visits --smoke":                     inDeploy,
	"docs/deploying.md: gcloud api-gateway api-configs list --api=tallystick --sort-by=~createTime":      byGoogle,
	"docs/deploying.md: gcloud run revisions list --service=visits --region=us-central1":                 byGoogle,
	"docs/deploying.md: gcloud iam service-accounts create deployer --project=my-project":                byGoogle,

	"docs/self-hosting.md: CGO_ENABLED=0 go build -o tallystick ./cmd/tallystick        # on any machine with Go; it is one file": onAMachine,
	"docs/self-hosting.md: ALLOWED_ORIGINS=https://example.com,https://api.example.com":                                           onAMachine,
	"docs/self-hosting.md: tallystick doctor --url https://api.example.com --key KEY --origin https://example.com":                "needs that host; doctor_test.go has its checks",
	"docs/self-hosting.md: sudo systemctl start tallystick-backup":                                                                onAMachine,
	"docs/self-hosting.md: docker build -t tallystick .":                                                                          "needs Docker; TestTheImageRuns",
	"docs/self-hosting.md: ```nginx":     "TestProxiesOfTheDocument",
	"docs/self-hosting.md: ```caddyfile": "TestProxiesOfTheDocument",
	"docs/self-hosting.md: ```ini":       onAMachine,
}

const (
	inDeploy   = "needs a project at Google; the tests of deploy run it against a recorder of Google's control plane"
	byGoogle   = "needs a project at Google; only gcloud's help was asked whether it knows these flags"
	onAMachine = "needs root and systemd; service_linux_test.go reads the service and these units"
)

// TestDocsAreTrue goes through README.md and docs/*.md block by block, each page on a
// server of its own that was just started. It has the partner acme; $KEY is its API key, and
// $TALLYSTICK_SECRET the partner's.
//
//	console  each command after "$ " is answered with what stands below it; … is any text
//	sh       ends without an error
//	js       so too, in Node with tallystick.js beside it; console.log prints what the
//	         comment at the end of its line says
//	html     in a page of another site, shows numbers and images
//	json     can be read
//	text     is not run: something to look at
func TestDocsAreTrue(t *testing.T) {
	for _, program := range []string{"curl", "jq", "node", "python3", "chromium"} {
		wantNeeded(t, program, "README and docs")
	}
	chromium := browser.Start(t, chromedp.UserAgent(browserAgent), // a headless one's own is a bot's
		chromedp.Flag("host-resolver-rules", "MAP your.site 127.0.0.1"))
	used := make(map[string]bool)
	for _, page := range docPages(t) {
		var here []block
		for _, b := range blocksOf(readDoc(t, page)) {
			if name := elsewhere(page, b); name != "" {
				used[name] = true
			} else {
				here = append(here, b)
			}
		}
		if len(here) == 0 {
			continue
		}
		t.Run(page, func(t *testing.T) {
			d := openDocPage(t, chromium)
			for _, b := range here {
				d.run(fmt.Sprintf("%s:%d", page, b.line), b)
			}
		})
	}
	for name := range checkedElsewhere {
		if !used[name] {
			t.Errorf("checkedElsewhere has %q, which no page has", name)
		}
	}
}

// elsewhere names the row of checkedElsewhere that is a block's, if it has one.
func elsewhere(page string, b block) string {
	for _, name := range []string{page + ": " + b.firstLine(), page + ": ```" + b.language} {
		if checkedElsewhere[name] != "" {
			return name
		}
	}
	return ""
}

// docPages are the pages, as they are named from the repository's root.
func docPages(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	pages := []string{"README.md"}
	for _, f := range found {
		pages = append(pages, "docs/"+filepath.Base(f))
	}
	return pages
}

func readDoc(t *testing.T, page string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../..", page))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
