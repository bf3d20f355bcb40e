package google_test

import (
	"errors"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/tallystick/tallystick/internal/storage"
)

func TestTheHintNamesADatabaseThatIsNotTheDefaultOne(t *testing.T) {
	for _, b := range backends {
		if b.name != "Firestore" {
			continue // index.yaml does not name the database
		}
		s, _ := b.serve(t, &proxy{faults: faults{other: status.Error(codes.FailedPrecondition, "none")}}, "test", "shop")
		_, err := s.Count(t.Context(), storage.Query{
			Kind: "Record", Where: []storage.Filter{{Property: "a", Op: storage.Equal, Value: true}}, OrderBy: "b",
		})
		if err == nil || !strings.Contains(err.Error(), "create --database=shop --collection-group=Record ") {
			t.Errorf("got error %v, want --database=shop in it", err)
		}
	}
}

func TestAQueryWithoutItsIndexSaysWhichToAdd(t *testing.T) {
	equal := func(property string) storage.Filter {
		return storage.Filter{Property: property, Op: storage.Equal, Value: "x"}
	}
	for _, c := range []struct {
		name  string
		query storage.Query
		hints map[string]string // by backend; one without gets no ErrIndex
	}{
		{"a filter and an order", storage.Query{Where: []storage.Filter{equal("shop")}, OrderBy: "price", Descending: true}, map[string]string{
			"Datastore": "indexes:\n- kind: Record.my-shop_2\n  properties:\n  - name: shop\n  - name: price\n    direction: desc\n  - name: __key__\n    direction: desc\n",
			"Firestore": "gcloud firestore indexes composite create --collection-group=Record.my-shop_2 --query-scope=collection" +
				" --field-config='field-path=shop,order=ascending' --field-config='field-path=price,order=descending'",
		}},
		{"a range of the order", storage.Query{
			Where: []storage.Filter{{Property: "price", Op: storage.Less, Value: 1.5}, equal("shop"), equal("shop")}, OrderBy: "price",
		}, map[string]string{
			"Datastore": "indexes:\n- kind: Record.my-shop_2\n  properties:\n  - name: shop\n  - name: price\n",
			"Firestore": "gcloud firestore indexes composite create --collection-group=Record.my-shop_2 --query-scope=collection" +
				" --field-config='field-path=shop,order=ascending' --field-config='field-path=price,order=ascending'",
		}},
		{"names that need an escape", storage.Query{Where: []storage.Filter{equal("a.b"), equal("9")}, OrderBy: "No"}, map[string]string{
			"Datastore": "indexes:\n- kind: Record.my-shop_2\n  properties:\n  - name: a-2Eb\n  - name: \"-39\"\n  - name: \"No\"\n",
			"Firestore": "gcloud firestore indexes composite create --collection-group=Record.my-shop_2 --query-scope=collection" +
				" --field-config='field-path=`a-2Eb`,order=ascending' --field-config='field-path=`-39`,order=ascending' --field-config='field-path=No,order=ascending'",
		}},
		{"names backward", storage.Query{Descending: true}, map[string]string{
			"Datastore": "indexes:\n- kind: Record.my-shop_2\n  properties:\n  - name: __key__\n    direction: desc\n",
		}},
		{"one that needs none", storage.Query{Where: []storage.Filter{equal("shop")}}, nil},
	} {
		onEach(t, c.name, func(t *testing.T, b backend) {
			s, _ := b.serve(t, &proxy{faults: faults{other: status.Error(codes.FailedPrecondition, "no matching index found.")}}, "test", "")
			c.query.Kind, c.query.Limit = "Record.my-shop_2", 1
			_, queryError := s.Query(t.Context(), c.query)
			_, countError := s.Count(t.Context(), c.query)
			for operation, err := range map[string]error{"Query": queryError, "Count": countError} {
				var missing *storage.IndexError
				errors.As(err, &missing)
				want, ok := c.hints[b.name]
				switch {
				case errors.Is(err, storage.ErrIndex) != ok, (missing != nil) != ok:
					t.Errorf("%s: got error %v, want an ErrIndex: %v", operation, err, ok)
				case ok && missing.Hint != want:
					t.Errorf("%s: got the hint\n%s\nwant\n%s", operation, missing.Hint, want)
				case status.Code(err) != codes.FailedPrecondition:
					t.Errorf("%s: got error %v, in which the server's is missing", operation, err)
				}
			}
		})
	}
}
