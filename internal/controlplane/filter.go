package controlplane

import (
	"regexp"
	"strings"
)

// filterTerm is the one form of a list's filter that is understood here, such as
// labels.partner:* or state=enabled.
var filterTerm = regexp.MustCompile(`^\(?([A-Za-z][\w.-]*)\s*([:=])\s*("[^"]*"|[\w./*-]+)\)?$`)

// filtered are the resources that a filter lets pass: those whose field is value, or
// contains it after a colon. * is any value.
func filtered(list []doc, filter string) ([]doc, error) {
	if filter == "" {
		return list, nil
	}
	m := filterTerm.FindStringSubmatch(filter)
	if m == nil {
		return nil, invalid("controlplane understands filters of one term, not %q", filter)
	}
	field, operator, value := strings.Split(m[1], "."), m[2], strings.ToLower(strings.Trim(m[3], `"`))
	var found []doc
	for _, d := range list {
		got := strings.ToLower(d.text(field...))
		switch {
		case value == "*" && d.at(field...) != nil, got == value, operator == ":" && strings.Contains(got, value):
			found = append(found, d)
		}
	}
	return found, nil
}
