package edge

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestWithToken lets in who has the token, and tells nobody further in.
func TestWithToken(t *testing.T) {
	for _, tt := range []struct {
		name, token string
		sent        []string
		want        int
		seen        string // by what is guarded
	}{
		{"no token is sent", "secret", nil, http.StatusForbidden, ""},
		{"an empty one", "secret", []string{""}, http.StatusForbidden, ""},
		{"another of its length", "secret", []string{"Secret"}, http.StatusForbidden, ""},
		{"its beginning", "secret", []string{"secre"}, http.StatusForbidden, ""},
		{"more than it", "secret", []string{"secretly"}, http.StatusForbidden, ""},
		{"it, but not first", "secret", []string{"other", "secret"}, http.StatusForbidden, ""},
		{"it", "secret", []string{"secret"}, http.StatusOK, ""},
		{"it, and more", "secret", []string{"secret", "other"}, http.StatusOK, ""},
		{"a function that is deployed", "", nil, http.StatusOK, ""},
		{"a function that is deployed, and any header", "", []string{"any"}, http.StatusOK, "any"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			asked := false
			h := WithToken(tt.token, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				asked = true
				if got := r.Header.Get(TokenHeader); got != tt.seen {
					t.Errorf("what is guarded sees the token %q, want %q", got, tt.seen)
				}
			}))
			r := httptest.NewRequest(http.MethodPost, "/visits", nil)
			for _, token := range tt.sent {
				r.Header.Add(TokenHeader, token)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != tt.want || asked != (tt.want == http.StatusOK) {
				t.Errorf("status %d, asked %v; want %d", w.Code, asked, tt.want)
			}
		})
	}
}
