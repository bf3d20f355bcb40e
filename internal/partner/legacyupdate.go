package partner

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// legacyBody is a body of the old scheme: a parameter, and the key that goes with it.
type legacyBody struct {
	Datas []jsontext.Value `json:"datas"`
}

type legacyKeyed struct {
	Key string `json:"key"`
}

// AcceptLegacy verifies a body of the old scheme, {"datas":[parameter,{"key":…}]}, and does
// what its parameter says. A parameter of a known type is an update as a signed one is;
// one whose status is a text is an update of the delivery that it names; any other is only
// kept. The scheme has no id, so what is sent again is done again.
func (s *Service) AcceptLegacy(ctx context.Context, data []byte) (Receipt, error) {
	set, err := s.folder.Partners()
	if err != nil {
		return Receipt{}, err
	}
	param, key, err := readLegacy(data)
	if err != nil {
		return Receipt{}, err
	}
	a := &accepted{id: newUpdateID(), legacy: true, body: param}
	if a.partner, err = set.VerifyLegacy(param, key); err != nil {
		return Receipt{}, err
	}
	if a.update, err = s.legacyUpdate(param); err != nil {
		return Receipt{}, err
	}
	if a.update.kind != "" {
		if err := a.partner.mayDo(a.update); err != nil {
			return Receipt{}, err
		}
	}
	return s.carryOut(ctx, a)
}

// readLegacy returns the parameter, byte for byte, and its key.
func readLegacy(data []byte) (param []byte, key string, err error) {
	if err := checkJSON(data); err != nil {
		return nil, "", err
	}
	var b legacyBody
	if err := decodeStrictly(data, &b, ""); err != nil {
		return nil, "", err
	}
	if len(b.Datas) != 2 || b.Datas[0].Kind() != '{' {
		return nil, "", invalid("/datas", "it has two parts: a parameter, which is an object, and {\"key\":…}")
	}
	var k legacyKeyed
	if err := decodeStrictly(b.Datas[1], &k, "/datas/1"); err != nil {
		return nil, "", err
	}
	return b.Datas[0], k.Key, nil
}

// legacyUpdate is what a parameter of the old scheme says.
func (s *Service) legacyUpdate(param []byte) (*update, error) {
	var fields map[string]any
	d := json.NewDecoder(bytes.NewReader(param))
	d.UseNumber()
	if err := d.Decode(&fields); err != nil {
		return nil, err
	}
	if kind, _ := fields["type"].(string); slices.Contains(updateTypes, kind) {
		return parseUpdate(param, s.now())
	}
	status, _ := fields["status"].(string)
	if status == "" {
		return new(update), nil
	}
	n, err := legacyNews(status, fields)
	if err != nil {
		return nil, err
	}
	return &update{kind: DeliveryUpdated, time: s.now().UTC(), deliveries: []news{n}}, nil
}

// legacyNews is what a parameter with a status says of a delivery.
func legacyNews(status string, fields map[string]any) (n news, err error) {
	const where = "/datas/0"
	for _, name := range []string{"id", "delivery", "order"} {
		if id := text(fields[name]); id != "" {
			if !isDeliveryID(id) {
				return n, invalid(where+"/"+name, "with a status it is the id of a delivery, and no delivery can have this one: %s", deliveryIDForm)
			}
			n.ID = id
			break
		}
	}
	if n.ID == "" {
		return n, invalid(where, "it has a status, and does not say of which delivery: give its id, as id, delivery or order")
	}
	if err := checkText(where+"/status", status, MaxStatus); err != nil {
		return n, err
	}
	n.Status = status
	if order := text(fields["order"]); checkText("", order, MaxText) == nil {
		n.Order = order
	}
	return n, nil
}

// text is a JSON value that is a text, or a number as it is written.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

// newUpdateID makes an id of the same form as those of signed updates.
func newUpdateID() string {
	var b [12]byte
	rand.Read(b[:]) // never fails
	return "legacy-" + hex.EncodeToString(b[:])
}
