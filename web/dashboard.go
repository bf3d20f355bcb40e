package web

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

//go:embed dashboard tallystick.js
var dashboard embed.FS

// OwnGateway is the gateway of a dashboard that the gateway's own host serves.
const OwnGateway = "self"

// DashboardFiles are the dashboard's files by name, index.html among them, for a gateway: OwnGateway, or
// one that CheckGateway takes, or none, which is asked for when somebody signs in. They
// may be served by any host, below any path. Where the gateway is another one's, the
// page itself says what it may load, for such a host may not let its owner set headers.
func DashboardFiles(gateway string) map[string][]byte {
	files := map[string][]byte{}
	for _, name := range []string{"dashboard", "tallystick.js"} {
		err := fs.WalkDir(dashboard, name, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				files[strings.TrimPrefix(path, "dashboard/")], err = dashboard.ReadFile(path)
			}
			return err
		})
		if err != nil {
			panic(err) // what is embedded can be read
		}
	}
	if gateway != OwnGateway {
		files["index.html"] = forGateway(files["index.html"], gateway)
	}
	return files
}

const (
	ownGatewayLine = `<meta name="gateway" content="` + OwnGateway + `">`
	gatewayLines   = `<meta name="gateway" content="%s">` + "\n" + `<meta http-equiv="Content-Security-Policy" content="%s">`
)

func forGateway(index []byte, gateway string) []byte {
	return bytes.Replace(index, []byte(ownGatewayLine), fmt.Appendf(nil, gatewayLines, gateway, policy(gateway)), 1)
}

// IsDashboard says whether an index.html is that of a dashboard, for whichever gateway.
func IsDashboard(index []byte) bool {
	return bytes.Contains(index, []byte(`<meta name="gateway"`)) && bytes.Contains(index, []byte("<title>Tallystick dashboard</title>"))
}

// DashboardPolicy is the Content-Security-Policy of a dashboard for OwnGateway, for its
// header. Trusted types are those that make HTML of strings: there are none.
func DashboardPolicy() string { return policy(OwnGateway) + "; frame-ancestors 'none'" }

func policy(gateway string) string {
	connect := map[string]string{OwnGateway: "'self'", "": "https: http://localhost:* http://127.0.0.1:*"}[gateway]
	if connect == "" {
		connect = gateway
	}
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src " + connect +
		"; form-action 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
}

// A host's name, or its IPv4 address, and a port. It goes into a policy, so it has nothing
// that a policy knows.
var hostPattern = regexp.MustCompile(`^[A-Za-z0-9.-]+(:[0-9]+)?$`)

// CheckGateway returns the origin of a gateway's URL. Keys are sent to it, so it has to
// be https, but for one on this machine.
func CheckGateway(text string) (string, error) {
	u, err := url.Parse(text)
	switch {
	case err == nil && strings.HasPrefix(u.Host, "["):
		return "", fmt.Errorf("%q is an IPv6 address, which the page's policy cannot name; give the host's name, such as https://HOST", text)
	case err != nil || !slices.Contains([]string{"http", "https"}, u.Scheme) || !hostPattern.MatchString(u.Host):
		return "", fmt.Errorf("%q is no gateway's URL; it is such as https://HOST", text)
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return "", fmt.Errorf("%q has more than a host; give %s://%s", text, u.Scheme, u.Host)
	case u.Scheme == "http" && !slices.Contains([]string{"localhost", "127.0.0.1"}, u.Hostname()):
		return "", fmt.Errorf("%s would send keys in the clear; give it as https://%s", text, u.Host)
	}
	return u.Scheme + "://" + u.Host, nil
}
