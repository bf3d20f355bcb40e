package controlplane

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const createSecret = "POST secretmanager/v1/projects/tally-test/secrets?secretId=%s"

func TestRequestsAreRecordedAsTheyCame(t *testing.T) {
	c := enabled(t)
	c.Forget()
	c.must(t, fmt.Sprintf(createSecret, "acme"), automatic)
	c.ask(t, fmt.Sprintf(createSecret, "acme"), automatic)
	c.must(t, "GET secretmanager/v1/projects/tally-test/secrets/acme:getIamPolicy", "")
	c.must(t, "POST cloudresourcemanager/v1/projects/tally-test:getIamPolicy", "{}")
	c.uploaded(t)
	var got []string
	for _, r := range c.Requests() {
		got = append(got, fmt.Sprintf("%s %s %s %d", r.API, r.Method, r.Path, r.Status))
	}
	want := []string{
		"secretmanager POST /v1/projects/tally-test/secrets?secretId=acme 200",
		"secretmanager POST /v1/projects/tally-test/secrets?secretId=acme 409",
		"secretmanager GET /v1/projects/tally-test/secrets/acme:getIamPolicy 200",
		"cloudresourcemanager POST /v1/projects/tally-test:getIamPolicy 200",
		"cloudfunctions POST /v2/projects/tally-test/locations/us-central1/functions:generateUploadUrl 200",
		"upload PUT /archives/1.zip 200",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if changes := c.Changes(); len(changes) != 1 || changes[0].Body != automatic || changes[0].Status != 200 {
		t.Errorf("the changes are %v, want the secret that was created", changes)
	}
	c.Forget()
	if left := c.Requests(); len(left) > 0 {
		t.Errorf("after Forget there are %v", left)
	}
}

// TestOnChangeSeesTheChangeMade: it may look at the state, for nothing is locked.
func TestOnChangeSeesTheChangeMade(t *testing.T) {
	c := enabled(t)
	c.Forget()
	var got []string
	c.OnChange(func(n int, r Request) {
		got = append(got, fmt.Sprintf("%d %s %v", n, r.Path, strings.Contains(c.State(), r.Path[strings.LastIndex(r.Path, "=")+1:])))
	})
	c.must(t, fmt.Sprintf(createSecret, "acme"), automatic)
	c.ask(t, fmt.Sprintf(createSecret, "acme"), automatic)
	c.must(t, "GET secretmanager/v1/projects/tally-test/secrets", "")
	c.must(t, fmt.Sprintf(createSecret, "bolt"), automatic)
	want := []string{"1 /v1/projects/tally-test/secrets?secretId=acme true", "2 /v1/projects/tally-test/secrets?secretId=bolt true"}
	if !slices.Equal(got, want) {
		t.Errorf("it was called with %q, want %q", got, want)
	}
}

func TestFaultsAnswerSoManyTimesAndChangeNothing(t *testing.T) {
	c := enabled(t)
	c.Forget()
	creates := func(r Request) bool { return r.Method == "POST" && r.API == "secretmanager" }
	c.Fail(creates, 2, 429, "")
	c.Fail(creates, 1, 500, `{"error":{"code":500,"message":"Oops","status":"INTERNAL"}}`)
	want := []string{"429 RESOURCE_EXHAUSTED", "429 RESOURCE_EXHAUSTED", "500 INTERNAL", "200 "}
	for i, w := range want {
		c.must(t, "GET secretmanager/v1/projects/tally-test/secrets", "")
		status, reply := c.ask(t, fmt.Sprintf(createSecret, "acme"), automatic)
		if got := fmt.Sprintf("%d %s", status, reply.text("error", "status")); got != w {
			t.Errorf("request %d: got %s, want %s", i+1, got, w)
		}
	}
	if changes := c.Changes(); len(changes) != 1 {
		t.Errorf("%d changes, want the one that no fault answered", len(changes))
	}
}

// deaf is a test that fails on paper.
type deaf struct {
	testing.TB
	said string
}

func (d *deaf) Errorf(format string, args ...any) { d.said += fmt.Sprintf(format, args...) }

func TestACallThatIsNotKnownFailsTheTest(t *testing.T) {
	d := &deaf{TB: t}
	c := New(d, Project{ID: "tally-test", Number: "1"})
	if status, _ := c.ask(t, "GET secretmanager/v1/projects/tally-test/topics", ""); status != 404 {
		t.Errorf("%d, want 404", status)
	}
	if want := "asks secretmanager for GET /v1/projects/tally-test/topics, which has no route"; !strings.Contains(d.said, want) {
		t.Errorf("the test's error is %q, want it to say %q", d.said, want)
	}
}

func TestRequestsAtTheSameTimeAreOneAfterAnother(t *testing.T) {
	c := enabled(t)
	c.Forget()
	var created sync.Map
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			status, _ := c.ask(t, fmt.Sprintf(createSecret, "acme"), automatic)
			if status == 200 {
				created.Store("by", true)
			}
		})
	}
	all.Wait()
	if _, ok := created.Load("by"); !ok || len(c.Changes()) != 1 || len(c.Requests()) != 20 {
		t.Errorf("%d of %d requests created the secret, want 1 of 20", len(c.Changes()), len(c.Requests()))
	}
}

// TestOperationsHaveToBePolled: some are not done when they are first asked for.
func TestOperationsHaveToBePolled(t *testing.T) {
	c := furnished(t)
	polls := make(map[int]bool)
	for i := range 4 {
		operation := c.must(t, "POST apikeys/"+keyPath, `{"displayName":"k"}`)
		n := 1
		for c.must(t, "GET apikeys/v2/"+operation.text("name"), "")["done"] != true {
			if n++; n > 2 {
				t.Fatalf("key %d: the operation is still not done", i)
			}
		}
		polls[n] = true
	}
	if !polls[1] || !polls[2] {
		t.Errorf("polls until an operation was done: %v, want 1 and 2", polls)
	}
}
