package gateway

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Render fills each ${NAME} of the committed document with its address. It fails for a name that has no
// address and for an address that no place asks for: either is a slip in the list of functions.
func Render(config []byte, addresses map[string]string) ([]byte, error) {
	unused := maps.Clone(addresses)
	missing := map[string]bool{}
	placeholder := regexp.MustCompile(`\$\{[^{}\n]*\}`)
	rendered := placeholder.ReplaceAllFunc(config, func(match []byte) []byte {
		name := string(match[len("${") : len(match)-len("}")])
		address, ok := addresses[name]
		if !ok {
			missing[name] = true
		}
		delete(unused, name)
		return []byte(address)
	})
	switch {
	case len(missing) > 0:
		return nil, fmt.Errorf("gateway config: no address for %s", list(missing))
	case len(unused) > 0:
		return nil, fmt.Errorf("gateway config: no place for the address of %s", list(unused))
	}
	return rendered, nil
}

func list[V any](names map[string]V) string {
	return strings.Join(slices.Sorted(maps.Keys(names)), ", ")
}
