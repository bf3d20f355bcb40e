package edge

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// guarded is things with BASIC_AUTH, and how many comparisons it cost so far.
func guarded(t *testing.T) (*API, *atomic.Int32) {
	t.Helper()
	config := Config{BasicAuth: "anna:" + secret, AllowedOrigins: []string{"https://ours.example"}}
	a := made(New(things(works), Env{Config: config}, nil))
	var comparisons *atomic.Int32
	a.accounts, comparisons = counted(t, config.BasicAuth, time.Now)
	return a, comparisons
}

func request(method, body string, header ...string) *http.Request {
	r := httptest.NewRequest(method, "/things", strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

func basic(userAndPassword string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(userAndPassword))
}

func TestKeyedOperationsAskForAUser(t *testing.T) {
	const own, forwarded = "Authorization", "X-Forwarded-Authorization"
	const required, invalid = "CREDENTIALS_REQUIRED", "CREDENTIALS_INVALID"
	right, wrong := basic("anna:secret"), basic("anna:x")
	bodies := make(map[string]string)
	for _, tt := range []struct {
		name        string
		header      []string
		code        string // empty: it is let in
		comparisons int32
	}{
		{"none", nil, required, 0},
		{"the gateway's token alone", []string{own, "Bearer e30.e30."}, required, 0},
		{"a token of the client's", []string{forwarded, "Bearer x", own, "Bearer e30.e30."}, required, 0},
		{"a scheme that begins like Basic", []string{own, strings.Replace(right, "Basic", "Basics", 1)}, required, 0},
		{"right, without a gateway", []string{own, right}, "", 1},
		{"right, through the gateway", []string{forwarded, right, own, "Bearer e30.e30."}, "", 1},
		{"in lower case", []string{own, strings.Replace(right, "Basic", "basic", 1)}, "", 1},
		{"what the gateway forwards goes first", []string{forwarded, wrong, own, right}, invalid, 1},
		{"a wrong password", []string{own, wrong}, invalid, 1},
		{"an unknown user", []string{own, basic("bert:secret")}, invalid, 1},
		{"no user", []string{own, basic(":secret")}, invalid, 1},
		{"no colon", []string{own, basic("anna")}, invalid, 1},
		{"a colon too many", []string{own, basic("anna:secret:")}, invalid, 1},
		{"nothing", []string{own, basic("")}, invalid, 1},
		{"no value", []string{own, "Basic"}, invalid, 1},
		{"bad base64", []string{own, "Basic YW5uYTpzZWNyZXQ!"}, invalid, 1},
		{"base64 cut off", []string{own, right[:len(right)-1]}, invalid, 1},
		{"a zero byte", []string{own, basic("anna:secret\x00")}, invalid, 1},
		{"a password too long for bcrypt", []string{own, basic("anna:" + strings.Repeat("x", 73))}, invalid, 1},
		{"a user too long for anything", []string{own, basic(strings.Repeat("x", 1<<20) + ":secret")}, invalid, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			log := captureLog(t)
			a, comparisons := guarded(t)
			w := httptest.NewRecorder()
			a.Handler().ServeHTTP(w, request("PUT", `{"Text":"x"}`, append(tt.header, "Origin", "https://ours.example")...))
			if got := comparisons.Load(); got != tt.comparisons {
				t.Errorf("%d comparisons, want %d", got, tt.comparisons)
			}
			if got := w.Header().Get("Access-Control-Allow-Origin"); got != "https://ours.example" {
				t.Errorf("Access-Control-Allow-Origin %q: a script has to see what is wrong", got)
			}
			for _, private := range append(tt.header, "anna", "bert", "secret", "xxx") {
				if strings.Contains(log.String(), private) && private != "Authorization" {
					t.Errorf("logged %q, which holds a credential: %.50q", log, private)
				}
			}
			challenge := w.Header().Get("WWW-Authenticate")
			if tt.code == "" {
				if w.Code != http.StatusOK || challenge != "" {
					t.Errorf("%d %v %s, want 200", w.Code, w.Header(), w.Body)
				}
				return
			}
			if w.Code != http.StatusUnauthorized || !strings.Contains(w.Body.String(), `"code":"`+tt.code+`"`) ||
				challenge != `Basic realm="tallystick", charset="UTF-8"` {
				t.Errorf("%d, WWW-Authenticate %q, %s; want 401, a challenge, %s", w.Code, challenge, w.Body, tt.code)
			}
			if first := bodies[tt.code]; first != "" && first != w.Body.String() {
				t.Errorf("body %s, and before %s; want all the same", w.Body, first)
			}
			bodies[tt.code] = w.Body.String()
		})
	}
}

func TestWhatIsPublicAsksForNoUser(t *testing.T) {
	a, comparisons := guarded(t)
	handler := a.Handler()
	for _, r := range []*http.Request{
		request("GET", "", "Authorization", basic("anna:wrong")),
		request("GET", ""),
		request("OPTIONS", "", "Origin", "https://ours.example", "Access-Control-Request-Method", "PUT", "Access-Control-Request-Headers", "authorization"),
		request("OPTIONS", ""),
	} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code >= 300 || w.Header().Get("WWW-Authenticate") != "" || comparisons.Load() > 0 {
			t.Errorf("%s: %d %v after %d comparisons, want no question", r.Method, w.Code, w.Header(), comparisons.Load())
		}
	}
}

func TestWithoutUsersNobodyIsAsked(t *testing.T) {
	if w := serve(t, Config{}, works, "PUT", "/things", "Authorization", basic("anna:wrong")); w.Code != http.StatusOK {
		t.Errorf("%d %s, want 200", w.Code, w.Body)
	}
}

func TestWhoWaitsInVainForAComparisonIsToldSo(t *testing.T) {
	a, _ := guarded(t)
	for range cap(a.accounts.turns) {
		a.accounts.turns <- struct{}{}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	w := httptest.NewRecorder()
	a.Handler().ServeHTTP(w, request("PUT", `{"Text":"x"}`, "Authorization", basic("anna:secret")).WithContext(ctx))
	if w.Code != http.StatusGatewayTimeout || !strings.Contains(w.Body.String(), `"code":"DEADLINE_EXCEEDED"`) {
		t.Errorf("%d %s, want 504 DEADLINE_EXCEEDED", w.Code, w.Body)
	}
}
