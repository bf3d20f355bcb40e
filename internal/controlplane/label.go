package controlplane

import (
	"maps"
	"regexp"
	"slices"
)

var (
	labelKey   = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)
	labelValue = regexp.MustCompile(`^[a-z0-9_-]{0,63}$`)
)

// checkLabels refuses labels that a resource cannot have. 63 characters are too few
// for a SHA-256 in hexadecimal.
func checkLabels(resource doc) error {
	labels := resource.sub("labels")
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		value, _ := labels[key].(string)
		if !labelKey.MatchString(key) || !labelValue.MatchString(value) {
			return invalid("The label %s=%s is not valid: at most 63 lowercase letters, digits, underscores and dashes each, and a key begins with a letter.", key, value)
		}
	}
	return nil
}
