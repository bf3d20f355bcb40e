// Command generate writes the descriptions of the API from the functions'
// operations: openapi/openapi.yaml and .json for people and programs that call it,
// gateway-config.yaml for API Gateway, web/tallystick.d.ts for who uses the JavaScript client, docs/api.md for who reads. Run it by go generate in the module's root.
package main

import (
	"fmt"
	"os"
)

func main() {
	for name, content := range files() {
		if err := os.WriteFile(name, content, 0o644); err != nil {
			fmt.Fprintln(os.Stderr, "generate:", err)
			os.Exit(1)
		}
	}
}
