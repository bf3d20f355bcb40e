package visit

import (
	_ "embed"
	"net/url"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Referral is what brought a visitor, as far as it is kept. Either may be empty.
type Referral struct {
	Host   string // of the page that had the link
	Source string // utm_source of the link: the newsletter, the advertisement
}

// maxReferralBytes is how long a host or a source may be. Longer ones are ignored.
const maxReferralBytes = 64

// ParseReferral reads what a page tells: the address, or the host, of the page before it,
// and the utm_source of its own. Of an address only the host is kept, without www. A
// referrer of the site itself, which has the host own, is none; nor is what cannot be a
// public host, or could be an address of a person. What is ignored does not stop a visit
// from being counted.
func ParseReferral(referrer, source, own string) Referral {
	r := Referral{Host: referrerHost(referrer), Source: sourceName(source)}
	if r.Host != "" && r.Host == referrerHost(own) {
		r.Host = ""
	}
	return r
}

func referrerHost(referrer string) string {
	if referrer == "" {
		return "" // as of most visits
	}
	if !strings.Contains(referrer, "://") {
		referrer = "//" + referrer
	}
	u, err := url.Parse(referrer)
	if err != nil {
		return ""
	}
	host := strings.TrimPrefix(strings.TrimSuffix(strings.ToLower(u.Hostname()), "."), "www.")
	if len(host) > maxReferralBytes || !isPublic(host) {
		return ""
	}
	return host
}

// isPublic says whether a host may be known to all: a name with a domain above it, which is
// neither an address nor one of a house's own network.
func isPublic(host string) bool {
	labels := strings.Split(host, ".")
	alien := func(c rune) bool { return !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_') }
	for _, l := range labels {
		if l == "" || l[0] == '-' || l[len(l)-1] == '-' || strings.ContainsFunc(l, alien) {
			return false
		}
	}
	top := labels[len(labels)-1]
	return len(labels) > 1 && strings.Trim(top, "0123456789") != "" && !slices.Contains(privateDomains, top)
}

// privateDomains are domains of networks that others cannot see, by RFC 6762 and by custom.
var privateDomains = []string{"local", "localhost", "internal", "intranet", "lan", "home", "corp", "arpa"}

func sourceName(source string) string {
	name := norm.NFC.String(strings.ToLower(strings.Join(strings.Fields(source), " ")))
	if len(name) > maxReferralBytes || !utf8.ValidString(source) || strings.Contains(name, "@") || strings.ContainsFunc(name, unprintable) {
		return ""
	}
	return name
}

func unprintable(c rune) bool { return !unicode.IsPrint(c) }

// spammers are hosts that send visits to be seen among the referrers, one a line:
// https://github.com/matomo-org/referrer-spam-list of 2026-08-20, in the public domain,
// without adf.ly, ci.ua, ua.tc and ucoz.ru, under which others have links and sites.
//
//go:embed spammers.txt
var spammers string

var spamHosts = sync.OnceValue(func() map[string]bool {
	hosts := make(map[string]bool)
	for host := range strings.Lines(spammers) {
		hosts[strings.TrimSpace(host)] = true
	}
	return hosts
})

// isSpam says whether a host, or one that it belongs to, is a spammer's.
func (r Referral) isSpam() bool {
	for host, more := r.Host, r.Host != ""; more; _, host, more = strings.Cut(host, ".") {
		if spamHosts()[host] {
			return true
		}
	}
	return false
}
