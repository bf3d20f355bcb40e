package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tallystick/tallystick/openapi"
)

// reach says whether there is a Tallystick, and goes on only if there may be one.
func (d *doctor) reach(ctx context.Context) bool {
	a := d.ask(ctx, about("/openapi.json"))
	base := d.client.base.Redacted()
	switch {
	case a.err != nil:
		d.fail("reachable", a.said(), "Start it, or say where it is with --url. A certificate that is not trusted is mended where TLS ends.")
		return false
	case a.status/100 == 3:
		d.fail("reachable", a.said(), "Name that address with --url: a redirect takes no key along.")
		return false
	}
	d.well("reachable", "%s answers in %s", base, a.took.Round(100*time.Microsecond))
	d.tls(a)
	if !d.description(a) {
		return false
	}
	d.clock(a)
	return true
}

// certificateDays is when a certificate should have been renewed by itself.
const certificateDays = 14

func (d *doctor) tls(a answer) {
	switch {
	case a.leaf != nil:
		days := int(time.Until(a.leaf.NotAfter).Hours() / 24)
		if days < certificateDays {
			d.warn("TLS", fmt.Sprintf("the certificate ends in %s", counted(days, "day")), "Renew it; ACME clients such as Caddy and certbot do so by themselves, if they run.")
			return
		}
		d.well("TLS", "the certificate is good for %s", counted(days, "day"))
	case isThisMachine(d.client.base.Hostname()):
		d.well("TLS", "none is needed on this machine")
	default:
		d.warn("TLS", "there is none: whoever is on the way reads the key", "Put a proxy with TLS before it (docs/self-hosting.md), and name it with --url https://…")
	}
}

// description is the part of the API's description that matters here.
type description struct {
	Info struct{ Title, Version string }

	// Paths are the operations by path and method.
	Paths map[string]map[string]json.RawMessage
}

func (d *doctor) description(a answer) (goOn bool) {
	const what = "Tallystick"
	if a.broken() {
		d.fail(what, "its description, /openapi.json, is not there: "+a.said(), "Look at the function docs: its log says why.")
		return true // the others may be there
	}
	var theirs, ours description
	if err := json.Unmarshal(a.body, &theirs); err != nil || theirs.Info.Title != "Tallystick" {
		d.fail(what, fmt.Sprintf("/openapi.json is not a Tallystick's, but %s", a.said()), "Is --url right? A proxy has to forward /openapi.json too (docs/self-hosting.md).")
		return false
	}
	if err := json.Unmarshal(openapi.JSON, &ours); err != nil {
		d.fail(what, err.Error(), "This program is broken: build it anew.")
		return true
	}
	found := fmt.Sprintf("API version %s, %d paths", theirs.Info.Version, len(theirs.Paths))
	switch missing, more := without(ours, theirs), without(theirs, ours); {
	case len(missing) > 0:
		d.warn(what, found+", of another version than this program: it lacks "+shortened(missing), "Deploy it anew, or use the tallystick of its version.")
	case len(more) > 0:
		d.warn(what, found+", newer than this program: it also has "+shortened(more), "Use the tallystick of its version.")
	default:
		d.well(what, "%s, as this program knows them", found)
	}
	return true
}

// without is the operations of one that another one lacks.
func without(one, other description) (missing []string) {
	for _, path := range slices.Sorted(maps.Keys(one.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(one.Paths[path])) {
			if _, there := other.Paths[path][method]; !there && method != "options" {
				missing = append(missing, strings.ToUpper(method)+" "+path)
			}
		}
	}
	return missing
}

func shortened(list []string) string {
	const most = 3
	if more := len(list) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:most], ", "), more)
	}
	return strings.Join(list, ", ")
}

// Signatures are refused when the clocks differ by more than signatureTime.
const (
	clockWarning  = 30 * time.Second
	signatureTime = 300 * time.Second
)

// clock compares the clocks by the header Date, which counts whole seconds.
func (d *doctor) clock(a answer) {
	const what = "clock"
	there, err := http.ParseTime(a.header.Get("Date"))
	if err != nil {
		d.warn(what, "no reply says what time it is there", "A proxy takes the header Date away: let it pass, for partners compare their clocks by it.")
		return
	}
	off := there.Sub(a.asked.Add(a.took / 2)).Round(time.Second)
	doubt := time.Second + a.took/2
	found := fmt.Sprintf("the clocks differ by %v", off.Abs())
	const mend = "Set the one that is wrong by NTP (timedatectl set-ntp true). Signatures may be 300 seconds off."
	switch {
	case off.Abs() > signatureTime+doubt:
		d.fail(what, found, mend)
	case off.Abs() > clockWarning+doubt:
		d.warn(what, found, mend)
	default:
		d.well(what, "within %v of this machine's", (off.Abs() + doubt).Round(time.Second))
	}
}
