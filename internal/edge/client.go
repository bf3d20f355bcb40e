package edge

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
)

// Client is who sent a request.
type Client struct {
	Addr      netip.Addr // invalid when it cannot be told
	User      string     // of BASIC_AUTH, who was let in; else empty
	UserAgent string
	Origin    string // of the page whose script sent it; empty when it does not say
	Private   bool   // DNT: 1 or Sec-GPC: 1
	Prefetch  bool   // Sec-Purpose says that nobody may ever see the page
}

type clientKey struct{}

// ClientOf returns who sent the request that ctx belongs to.
func ClientOf(ctx context.Context) Client {
	c, _ := ctx.Value(clientKey{}).(*Client)
	if c == nil {
		return Client{}
	}
	return *c
}

func withClient(ctx context.Context, c Client) context.Context {
	return context.WithValue(ctx, clientKey{}, &c)
}

func clientOf(r *http.Request, hops int) Client {
	return Client{
		Addr:      clientAddr(r, hops),
		UserAgent: r.UserAgent(),
		Origin:    r.Header.Get("Origin"),
		Private:   r.Header.Get("DNT") == "1" || r.Header.Get("Sec-GPC") == "1",
		Prefetch:  isPrefetch(r.Header.Get("Sec-Purpose")) || r.Header.Get("Purpose") == "prefetch",
	}
}

func isPrefetch(purpose string) bool {
	token, _, _ := strings.Cut(purpose, ";")
	return strings.TrimSpace(token) == "prefetch"
}

// clientAddr returns the address that the outermost proxy of ours saw. Each proxy
// adds the address of its peer at the right end of X-Forwarded-For, so with one
// proxy the last entry is the client's, with two the last but one; whatever stands
// to the left of that the client may have made up.
func clientAddr(r *http.Request, hops int) netip.Addr {
	forwarded := strings.Join(r.Header["X-Forwarded-For"], ",")
	if forwarded == "" {
		peer, err := netip.ParseAddrPort(r.RemoteAddr)
		if err != nil {
			return netip.Addr{}
		}
		return peer.Addr().Unmap()
	}
	entry := ""
	for range hops {
		i := strings.LastIndexByte(forwarded, ',')
		entry = forwarded[i+1:]
		if i < 0 {
			break
		}
		forwarded = forwarded[:i]
	}
	addr, err := netip.ParseAddr(strings.TrimSpace(entry))
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap()
}
