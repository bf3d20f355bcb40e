package visit

import (
	"errors"
	"strings"
	"testing"
)

func TestParsePage(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"a path is its own name", "/about", "/about"},
		{"case counts", "/About", "/About"},
		{"the root", "/", "/"},
		{"empty is the root", "", "/"},

		{"a query goes", "/a?utm_source=x", "/a"},
		{"a fragment goes", "/a#top", "/a"},
		{"a query after a fragment goes", "/a#b?c", "/a"},
		{"a fragment after a query goes", "/a?b#c", "/a"},
		{"a query alone is the root", "?page=2", "/"},
		{"a fragment alone is the root", "#top", "/"},
		{"an escaped question mark stays", "/a%3Fb", "/a%3Fb"},
		{"an escaped number sign stays", "/a%23b", "/a%23b"},
		{"control characters in the query do not matter", "/a?\x00", "/a"},
		{"the query's length does not matter", "/a?" + strings.Repeat("x", 10_000), "/a"},

		{"index.html folds", "/blog/index.html", "/blog"},
		{"index.html at the root folds", "/index.html", "/"},
		{"index.html before a query folds", "/blog/index.html?x", "/blog"},
		{"index.html with a slash folds", "/blog/index.html/", "/blog"},
		{"index.html nested folds", "/index.html/index.html", "/"},
		{"index.html nested deeper folds", "/a/index.html/index.html/", "/a"},
		{"index.html escaped folds", "/a/%69ndex%2Ehtml", "/a"},
		{"index.html in the middle stays", "/index.html/a", "/index.html/a"},
		{"index.htm stays", "/index.htm", "/index.htm"},
		{"INDEX.HTML stays", "/INDEX.HTML", "/INDEX.HTML"},
		{"myindex.html stays", "/myindex.html", "/myindex.html"},
		{"a trailing slash folds", "/blog/", "/blog"},
		{"many trailing slashes fold", "/blog///", "/blog"},

		{"slashes merge", "//a///b", "/a/b"},
		{"slashes alone are the root", "///", "/"},
		{"a dot segment goes", "/a/./b", "/a/b"},
		{"two dots go up", "/a/../b", "/b"},
		{"two dots at the root stay there", "/../../a", "/a"},
		{"escaped dots are dots", "/a/%2e%2E/b", "/b"},
		{"three dots are a name", "/a/.../b", "/a/.../b"},
		{"dots within a name stay", "/a..b/.c", "/a..b/.c"},
		{"dots can leave an index.html behind", "/a/index.html/x/..", "/a"},

		{"an unreserved escape is decoded", "/%7Euser/%41%2d%5F", "/~user/A-_"},
		{"an escaped slash is no slash", "/a%2Fb", "/a%2Fb"},
		{"hexadecimal digits get upper case", "/a%2fb%c3%a9", "/a%2Fb%C3%A9"},
		{"text beyond ASCII is escaped", "/über", "/%C3%BCber"},
		{"and is the same as its escapes", "/%c3%bcber", "/%C3%BCber"},
		{"another script", "/日本/ガイド", "/%E6%97%A5%E6%9C%AC/%E3%82%AC%E3%82%A4%E3%83%89"},
		{"an emoji", "/🎉", "/%F0%9F%8E%89"},
		{"composed and decomposed letters are two pages", "/e\u0301", "/e%CC%81"},
		{"a space is escaped", "/a b", "/a%20b"},
		{"a plus is a plus", "/a+b", "/a+b"},
		{"the path's own characters stay", "/!$&'()*+,;=:@", "/!$&'()*+,;=:@"},
		{"and escaped they are others", "/a%2Cb", "/a%2Cb"},
		{"all else is escaped", "/<>\"\\^`{|}[]", "/%3C%3E%22%5C%5E%60%7B%7C%7D%5B%5D"},
		{"escaped bytes that are no UTF-8 stay, as old sites have them", "/caf%e9", "/caf%E9"},
		{"a lone percent sign stands for itself", "/100%", "/100%25"},
		{"before one digit too", "/100%4", "/100%254"},
		{"before other letters too", "/100%zz", "/100%25zz"},
		{"and escaped it is the same", "/100%25", "/100%25"},
		{"what an escape decodes to starts no other", "/%2541", "/%2541"},
		{"not even after a lone percent sign", "/%%34%31", "/%2541"},

		{"512 bytes are a name", "/" + strings.Repeat("a", 511), "/" + strings.Repeat("a", 511)},
		{"of them 170 may be escapes", "/a" + strings.Repeat("%20", 170), "/a" + strings.Repeat("%20", 170)},
		{"what counts is the canonical form", "/" + strings.Repeat("%61", 511), "/" + strings.Repeat("a", 511)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParsePage(tt.in)
			if err != nil || string(got) != tt.want {
				t.Fatalf("ParsePage(%q) = %q, %v; want %q", tt.in, got, err, tt.want)
			}
			if again, err := ParsePage(string(got)); err != nil || again != got {
				t.Errorf("ParsePage(%q) = %q, %v; want it to stay as it is", got, again, err)
			}
		})
	}
}

func TestParsePageRefuses(t *testing.T) {
	for _, tt := range []struct{ name, in, says string }{
		{"no leading slash", "about", "starts with a slash"},
		{"a whole URL", "https://example.com/about", "starts with a slash"},
		{"an escaped leading slash", "%2Fabout", "starts with a slash"},
		{"a backslash for a slash", `\about`, "starts with a slash"},
		{"a space first", " /about", "starts with a slash"},
		{"a control character", "/a\x01", "control character"},
		{"a line break", "/a\nb", "control character"},
		{"a NUL", "/a\x00", "control character"},
		{"a DEL", "/a\x7f", "control character"},
		{"an escaped control character", "/a%0a", "control character"},
		{"an escaped NUL", "/%00", "control character"},
		{"an escaped DEL", "/%7F", "control character"},
		{"bytes that are no UTF-8", "/caf\xe9", "not UTF-8"},
		{"a surrogate", "/\xed\xa0\x80", "not UTF-8"},
		{"513 bytes", "/" + strings.Repeat("a", 512), "at most 512 bytes"},
		{"513 bytes with escapes", "/aa" + strings.Repeat("%20", 170), "at most 512 bytes"},
		{"171 letters of 3 bytes with escapes", "/" + strings.Repeat("ü", 171), "at most 512 bytes"},
		{"far too much", "/" + strings.Repeat("a", 1<<20), "at most 512 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParsePage(tt.in)
			if !errors.Is(err, ErrPage) || got != "" {
				t.Fatalf("ParsePage(%.40q) = %q, %v; want ErrPage", tt.in, got, err)
			}
			if !strings.Contains(err.Error(), tt.says) {
				t.Errorf("the error is %q, want it to say %q", err, tt.says)
			}
		})
	}
}

func FuzzParsePage(f *testing.F) {
	for _, s := range []string{"", "/", "/a?b#c", "/%%34%31", "/a/../index.html/", "/ü%c3%bc", "//%2e./%2F", "/100%", "/\xff", "x", "/%00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePage(s)
		if err != nil {
			if p != "" || !errors.Is(err, ErrPage) {
				t.Fatalf("ParsePage(%q) = %q, %v; want no page and ErrPage", s, p, err)
			}
			return
		}
		wantCanonical(t, p)
	})
}

// wantCanonical wants p to be as ParsePage makes a page.
func wantCanonical(t *testing.T, p Page) {
	t.Helper()
	if again, err := ParsePage(string(p)); err != nil || again != p {
		t.Fatalf("ParsePage(%q) = %q, %v; want it to stay as it is", p, again, err)
	}
	if p == "" || p[0] != '/' || len(p) > MaxPageBytes {
		t.Fatalf("page %q of %d bytes, want a slash first and at most %d bytes", p, len(p), MaxPageBytes)
	}
	for i := range len(p) {
		if !isUnreserved(p[i]) && !isPathChar(p[i]) && p[i] != '%' {
			t.Fatalf("page %q has the byte %q, want ASCII characters of a path", p, p[i])
		}
	}
}
