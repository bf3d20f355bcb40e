package update_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

type shownDelivery struct {
	ID, Partner, Status, Order string
	CreateTime, UpdateTime     time.Time
	Events                     []struct {
		Status, Note, Update string
		Time, ReceivedTime   time.Time
	}
}

// delivery reads a delivery that has to be there.
func (s *server) delivery(id string) (d shownDelivery) {
	s.Helper()
	r := s.get("/deliveries/" + id)
	if err := json.Unmarshal([]byte(r.body), &d); err != nil || r.status != http.StatusOK {
		s.Fatalf("delivery %s: %d %s, %v", id, r.status, r.body, err)
	}
	return d
}

func TestADeliveryThatIsNotThereIsNotFound(t *testing.T) {
	s := start(t, nil)
	for _, path := range []string{"/deliveries/D-9", "/deliveries/a%2Fb", "/deliveries/%00", "/deliveries/__x__"} {
		if r := s.get(path); r.status != http.StatusNotFound || r.code() != "DELIVERY_NOT_FOUND" {
			t.Errorf("%s: %d %s, want 404 DELIVERY_NOT_FOUND", path, r.status, r.body)
		}
	}
}

// TestRowsAreReadInPagesTheLatestFirst, also of who is no partner any more.
func TestRowsAreReadInPagesTheLatestFirst(t *testing.T) {
	s := start(t, nil)
	var want []string
	for i := range 25 {
		if i%3 > 0 { // some come at the same time
			s.pass(time.Microsecond)
		}
		s.accept(s.sign("acme", fmt.Sprint("msg_", i), counted(fmt.Sprintf(`{"sku":"ACME-1","quantity":%d}`, i))))
		s.accept(s.sign("beta", fmt.Sprint("msg_", i), counted(fmt.Sprintf(`{"sku":"BETA-1","quantity":%d}`, i))))
		want = append(want, fmt.Sprint("msg_", i))
	}
	if err := os.Remove(filepath.Join(s.folder, "acme.json")); err != nil {
		t.Fatal(err)
	}
	s.pass(time.Hour)
	for _, size := range []int{1, 7, 25, 1000} {
		var got []string
		last := time.Time{}
		for token, pages := "", 0; ; pages++ {
			r := s.get(fmt.Sprintf("/partners/acme/updates?pageSize=%d&pageToken=%s", size, token))
			var page struct {
				Updates       []row
				NextPageToken string
			}
			if err := json.Unmarshal([]byte(r.body), &page); err != nil || r.status != http.StatusOK || len(page.Updates) > size || pages > 25 {
				t.Fatalf("%d %s, %v", r.status, r.body, err)
			}
			for _, u := range page.Updates {
				if !last.IsZero() && u.ReceivedTime.After(last) {
					t.Errorf("%s came after the one before it, want the latest first", u.ID)
				}
				last = u.ReceivedTime
				got = append(got, u.ID)
			}
			if token = page.NextPageToken; token == "" {
				break
			}
		}
		sorted, all := slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
		if !slices.Equal(sorted, all) {
			t.Errorf("pages of %d: %q, want each of %q once", size, got, want)
		}
	}
	if r := s.get("/partners/nobody/updates"); r.body != "{\"updates\":[],\"nextPageToken\":\"\"}\n" {
		t.Errorf("of nobody: %d %s, want none", r.status, r.body)
	}
	if r := s.get("/partners/acme/updates?pageToken=x"); r.code() != "PAGE_TOKEN_INVALID" {
		t.Errorf("%d %s, want PAGE_TOKEN_INVALID", r.status, r.body)
	}
}

// TestAPageOfRowsHasAnEnd where their bodies are large.
func TestAPageOfRowsHasAnEnd(t *testing.T) {
	s := start(t, nil)
	const n = 150
	for i := range n {
		body := counted(`{"sku":"ACME-1","quantity":1}`)
		s.accept(s.sign("acme", fmt.Sprint("msg_", i), body+strings.Repeat(" ", 65_536-len(body))))
	}
	r := s.get("/partners/acme/updates?pageSize=1000")
	var page struct{ Updates []row }
	if err := json.Unmarshal([]byte(r.body), &page); err != nil || len(page.Updates) >= n || len(r.body) > 10<<20 {
		t.Errorf("%d updates in %d bytes, %v, want fewer than %d", len(page.Updates), len(r.body), err, n)
	}
	if got := len(s.rows("acme")); got != n {
		t.Errorf("%d in all pages, want %d", got, n)
	}
}
