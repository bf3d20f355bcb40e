package edge

import (
	"net/http"
	"net/netip"
	"testing"
)

func TestClientAddress(t *testing.T) {
	const peer = "198.51.100.7:4711"
	for _, tt := range []struct {
		name      string
		peer      string
		forwarded []string
		hops      int
		want      string // empty: it cannot be told
	}{
		{"no proxy", peer, nil, 1, "198.51.100.7"},
		{"no proxy, IPv6", "[2001:db8::1]:4711", nil, 1, "2001:db8::1"},
		{"no proxy, IPv4 mapped", "[::ffff:192.0.2.1]:4711", nil, 1, "192.0.2.1"},
		{"no proxy, no port", "192.0.2.1", nil, 1, ""},
		{"no proxy, a socket's name", "@", nil, 1, ""},

		{"one proxy", peer, []string{"192.0.2.1"}, 1, "192.0.2.1"},
		{"one proxy and a lie", peer, []string{"203.0.113.9, 192.0.2.1"}, 1, "192.0.2.1"},
		{"one proxy and many lies", peer, []string{"10.0.0.1,10.0.0.2 , 10.0.0.3,192.0.2.1"}, 1, "192.0.2.1"},
		{"one proxy and a lie in a header of its own", peer, []string{"203.0.113.9", "192.0.2.1"}, 1, "192.0.2.1"},
		{"one proxy, IPv6", peer, []string{"2001:db8::1"}, 1, "2001:db8::1"},
		{"one proxy, IPv4 mapped", peer, []string{"::ffff:192.0.2.1"}, 1, "192.0.2.1"},

		{"two proxies", peer, []string{"192.0.2.1, 10.0.0.1"}, 2, "192.0.2.1"},
		{"two proxies and a lie", peer, []string{"203.0.113.9, 192.0.2.1, 10.0.0.1"}, 2, "192.0.2.1"},
		{"two proxies in two headers and a lie", peer, []string{"203.0.113.9", "192.0.2.1", "10.0.0.1"}, 2, "192.0.2.1"},
		{"two proxies of which one is passed by", peer, []string{"192.0.2.1"}, 2, "192.0.2.1"},
		{"ten proxies", peer, []string{"192.0.2.1,1.1.1.1,2.2.2.2,3.3.3.3,4.4.4.4,5.5.5.5,6.6.6.6,7.7.7.7,8.8.8.8,9.9.9.9"}, 10, "192.0.2.1"},

		{"no address", peer, []string{"unknown"}, 1, ""},
		{"with a port", peer, []string{"192.0.2.1:80"}, 1, ""},
		{"an empty entry", peer, []string{"192.0.2.1,"}, 1, ""},
		{"a lie that is empty", peer, []string{", 192.0.2.1"}, 1, "192.0.2.1"},
		{"an empty header is none", peer, []string{""}, 1, "198.51.100.7"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &http.Request{RemoteAddr: tt.peer, Header: http.Header{}}
			for _, f := range tt.forwarded {
				r.Header.Add("X-Forwarded-For", f)
			}
			want := netip.Addr{}
			if tt.want != "" {
				want = netip.MustParseAddr(tt.want)
			}
			if got := clientAddr(r, tt.hops); got != want {
				t.Errorf("clientAddr = %v, want %v", got, want)
			}
		})
	}
}

func TestClient(t *testing.T) {
	for _, tt := range []struct {
		name, header, value string
		want                Client
	}{
		{"nothing said", "X-Other", "1", Client{}},
		{"a user agent", "User-Agent", "curl/8", Client{UserAgent: "curl/8"}},
		{"do not track", "DNT", "1", Client{Private: true}},
		{"track", "DNT", "0", Client{}},
		{"global privacy control", "Sec-GPC", "1", Client{Private: true}},
		{"no privacy control", "Sec-GPC", "0", Client{}},
		{"a prefetch", "Sec-Purpose", "prefetch", Client{Prefetch: true}},
		{"a prerender", "Sec-Purpose", "prefetch;prerender", Client{Prefetch: true}},
		{"a prefetch with parameters", "Sec-Purpose", " prefetch ; anonymous-client-ip", Client{Prefetch: true}},
		{"another purpose", "Sec-Purpose", "prefetching", Client{}},
		{"a prefetch by an older browser", "Purpose", "prefetch", Client{Prefetch: true}},
		{"another purpose of an older browser", "Purpose", "preview", Client{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &http.Request{RemoteAddr: "192.0.2.1:1", Header: http.Header{}}
			r.Header.Set(tt.header, tt.value)
			tt.want.Addr = netip.MustParseAddr("192.0.2.1")
			if got := clientOf(r, 1); got != tt.want {
				t.Errorf("clientOf = %+v, want %+v", got, tt.want)
			}
		})
	}
	if got := ClientOf(t.Context()); got != (Client{}) {
		t.Errorf("outside of a request the client is %+v, want none", got)
	}
}
