package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const signSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// inFile is a file with a text.
func inFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestSignPrintsTheHeaders of the official test vector.
func TestSignPrintsTheHeaders(t *testing.T) {
	const want = `webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek
webhook-timestamp: 1614265330
webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=
`
	args := []string{"--id", "msg_p5jXN8AQM9LWM0D4loKWxJek", "--timestamp", "1614265330", "--data", inFile(t, `{"test": 2432232314}`)}
	for _, by := range []string{"file", "environment"} {
		all := args
		t.Setenv("TALLYSTICK_SECRET", signSecret)
		if by == "file" {
			t.Setenv("TALLYSTICK_SECRET", "whsec_another")
			all = append(slices.Clone(args), "--secret-file", inFile(t, signSecret+"\n"))
		}
		if got, _, err := execute(t, signCommand(), all...); err != nil || got != want {
			t.Errorf("with the secret in the %s: got %s, %v, want %s", by, got, err, want)
		}
	}
}

// TestSignIsOfNowAndOfItsOwnID unless it is told otherwise; the data is standard input.
func TestSignIsOfNowAndOfItsOwnID(t *testing.T) {
	t.Setenv("TALLYSTICK_SECRET", signSecret)
	body := "{ \"a\": 1 }\r\n\n"
	stdin, err := os.Open(inFile(t, body))
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	before := os.Stdin
	os.Stdin = stdin
	defer func() { os.Stdin = before }()

	out, _, err := execute(t, signCommand())
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{}
	for line := range strings.Lines(out) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		h.Set(name, value)
	}
	official, err := standardwebhooks.NewWebhook(signSecret)
	if err != nil {
		t.Fatal(err)
	}
	if err := official.Verify([]byte(body), h); err != nil || len(h) != 3 {
		t.Errorf("the official library says %v of:\n%s", err, out)
	}
}

func TestSignSaysWhatIsWrong(t *testing.T) {
	data := inFile(t, "{}")
	for _, tt := range []struct {
		secret string
		args   []string
		want   string
	}{
		{"", nil, "there is no secret: name its file with --secret-file, or set TALLYSTICK_SECRET"},
		{"", []string{"--secret-file", data + "x"}, "--secret-file: open"},
		{"whsec_c2hvcnQ=", nil, "a secret is whsec_ followed by"},
		{signSecret, []string{"--id", "a.b"}, "webhook-id has 1 to 64"},
		{signSecret, []string{"--timestamp", "1"}, "webhook-timestamp is the seconds since 1970"},
		{signSecret, []string{"--data", data + "x"}, "--data: open"},
		{signSecret, []string{"--send"}, "--send: say whose update it is with --partner"},
		{signSecret, []string{"--send", "--partner", "acme", "--timestamp", "1614265330"}, "with --send each try has its own time"},
		{signSecret, []string{"--send", "--partner", "acme", "--url", "nowhere"}, "is not an address"},
		{signSecret, []string{"--send", "--partner", "acme", "--url", "http://127.0.0.1:1"}, "nobody answers at http://127.0.0.1:1"},
		{signSecret, []string{"--send", "--partner", "acme", "--id", "a.b"}, "webhook-id has 1 to 64"},
		{"whsec_c2hvcnQ=", []string{"--send", "--partner", "acme"}, "a secret is whsec_ followed by"},
	} {
		t.Setenv("TALLYSTICK_SECRET", tt.secret)
		stdout, stderr, err := execute(t, signCommand(), append([]string{"--data", data}, tt.args...)...)
		if err == nil || !strings.Contains(err.Error(), tt.want) || stdout != "" {
			t.Errorf("%q: prints %q, error %v, want %q", tt.args, stdout, err, tt.want)
		}
		if said := fmt.Sprint(stderr, err); strings.Contains(said, "MfKQ9r8G") || strings.Contains(said, "c2hvcnQ") {
			t.Errorf("%q: it says the secret: %s", tt.args, said)
		}
	}
}

// sendTo sends an update to a handler, which gets only what the official library takes.
func sendTo(t *testing.T, handler http.HandlerFunc) (reply []byte, tries []http.Header, waited pauses, err error) {
	t.Helper()
	official, err := standardwebhooks.NewWebhook(signSecret)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	c, pauses := testClient(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = official.Verify(body, r.Header)
		}
		if err != nil || r.Method != http.MethodPost || r.URL.Path != "/partners/acme/updates" || string(body) != `{"a":1}` {
			t.Errorf("%s %s %s: %v", r.Method, r.URL, body, err)
		}
		if got := r.Header.Get("Content-Type"); got != "application/json" {
			t.Errorf("it is said to be %q, want application/json", got)
		}
		if user, _, given := r.BasicAuth(); given || r.Header.Get("X-Api-Key") != "" {
			t.Errorf("it takes a key along, or the user %q", user)
		}
		mu.Lock()
		tries = append(tries, r.Header)
		mu.Unlock()
		handler(w, r)
	})
	now := time.Now()
	u := &signedUpdate{secret: signSecret, id: "msg_1", body: []byte(`{"a":1}`), now: func() time.Time {
		now = now.Add(time.Second)
		return now
	}}
	reply, err = u.send(t.Context(), c, "/partners/acme/updates")
	mu.Lock()
	defer mu.Unlock()
	return reply, tries, *pauses, err
}

func TestAnUpdateIsSentUntilItIsThere(t *testing.T) {
	for _, tt := range []struct {
		name    string
		answers []http.HandlerFunc
		tries   int
		waits   time.Duration // at least
		want    string        // the error's text; empty: none
	}{
		{"a good answer", nil, 1, 0, ""},
		{"under way", []http.HandlerFunc{replying(409, "Retry-After", "1"), replying(409, "Retry-After", "3")}, 3, 4 * time.Second, ""},
		{"too many", []http.HandlerFunc{replying(429, "Retry-After", "7")}, 2, 7 * time.Second, ""},
		{"busy", []http.HandlerFunc{replying(503), replying(502), replying(504)}, 4, firstPause * 7, ""},
		{"an error of its own", []http.HandlerFunc{replying(500)}, 2, firstPause, ""},
		{"connections that break", []http.HandlerFunc{cutOff, cutOffMidway}, 3, firstPause * 3, ""},
		{"a stock that has not enough", []http.HandlerFunc{replying(409)}, 1, 0, "detail 409"},
		{"a wrong signature", []http.HandlerFunc{replying(401)}, 1, 0, "detail 401"},
		{"a fault of the update", []http.HandlerFunc{replying(422)}, 1, 0, "detail 422"},
		{"under way, for ever", slices.Repeat([]http.HandlerFunc{replying(409, "Retry-After", "60")}, 10), 3, giveUpAfter, "detail 409\ngiven up after 3 tries"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			requests := 0
			reply, tries, waited, err := sendTo(t, answers(&requests, tt.answers...))
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			if err == nil && string(reply) != "{}" {
				t.Errorf("reply %s, want {}", reply)
			}
			if len(tries) != tt.tries {
				t.Errorf("%d tries, want %d", len(tries), tt.tries)
			}
			times := make(map[string]bool)
			for _, h := range tries {
				if got := h.Get("webhook-id"); got != "msg_1" || times[h.Get("webhook-timestamp")] {
					t.Errorf("try %v: want the id of the first, and a time that none has had", h)
				}
				times[h.Get("webhook-timestamp")] = true
			}
			if got := waited.sum(); got < tt.waits || got > tt.waits*2 {
				t.Errorf("it waited %v, want %v or somewhat more", got, tt.waits)
			}
		})
	}
}

func TestSendPrintsTheReply(t *testing.T) {
	official, err := standardwebhooks.NewWebhook(signSecret)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = official.Verify(body, r.Header)
		}
		if err != nil {
			t.Error(err)
		}
		fmt.Fprintf(w, "{\"status\":true,\"id\":%q}\n", r.Header.Get("webhook-id"))
	}))
	defer s.Close()
	stdout, stderr, err := execute(t, signCommand(), "--send", "--partner", "acme", "--url", s.URL, "--id", "order-1",
		"--secret-file", inFile(t, signSecret), "--data", inFile(t, "{}"))
	if want := "{\"status\":true,\"id\":\"order-1\"}\n"; err != nil || stdout != want || stderr != "" {
		t.Errorf("it prints %q and %q, %v, want %q", stdout, stderr, err, want)
	}
}
