package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	mathbig "math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// place is what stands in the document's configurations, as it is here.
type place struct {
	folder     string
	server     string // host and port of serve
	https      string // of the proxy
	http       string
	cert, key  string // files
	url        string
	authorised *x509.CertPool
}

func newPlace(t *testing.T, server string) place {
	t.Helper()
	to, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	p := place{folder: t.TempDir(), server: to.Host, https: freeAddr(t), http: freeAddr(t)}
	p.url = "https://" + p.https
	p.cert, p.key, p.authorised = selfSigned(t, p.folder)
	return p
}

func (p place) apply(config string) string {
	return strings.NewReplacer(
		"127.0.0.1:8080", p.server,
		"listen 443 ", "listen "+p.https+" ",
		"listen 80;", "listen "+p.http+";",
		"/etc/letsencrypt/live/api.example.com/fullchain.pem", p.cert,
		"/etc/letsencrypt/live/api.example.com/privkey.pem", p.key,
		"api.example.com {", "https://"+p.https+" {\n\ttls "+p.cert+" "+p.key,
	).Replace(config)
}

// client calls from an address of this machine.
func (p place) client(from string) *http.Client {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	return &http.Client{Timeout: patience, Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, addr)
		},
		TLSClientConfig: &tls.Config{RootCAs: p.authorised}, DisableKeepAlives: true,
	}}
}

func startNginx(t *testing.T, config string, at place) {
	whole := fmt.Sprintf("daemon off;\nmaster_process off;\npid %[1]s/pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\n", at.folder)
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		whole += fmt.Sprintf("%s_temp_path %s/%s;\n", kind, at.folder, kind)
	}
	runProxy(t, at, "nginx.conf", whole+config+"}\n", "nginx", "-e", "stderr", "-p", at.folder, "-c")
}

func startCaddy(t *testing.T, config string, at place) {
	runProxy(t, at, "Caddyfile", "{\n\tadmin off\n\tauto_https off\n}\n"+config, "caddy", "run", "--adapter", "caddyfile", "--config")
}

// runProxy runs a program with a file of its own, until the test ends.
func runProxy(t *testing.T, at place, name, config string, program ...string) {
	t.Helper()
	file := filepath.Join(at.folder, name)
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	said, err := os.Create(filepath.Join(at.folder, "said"))
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(program[0], append(program[1:], file)...)
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + at.folder}
	c.Stdout, c.Stderr = said, said
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Process.Kill()
		c.Wait()
		said.Close()
		if b, err := os.ReadFile(said.Name()); t.Failed() && err == nil {
			t.Logf("%s said: %s", program[0], b)
		}
	})
}

// selfSigned makes a certificate for 127.0.0.1.
func selfSigned(t *testing.T, folder string) (cert, key string, pool *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: mathbig.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(30 * 24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, bytes []byte) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pool = x509.NewCertPool()
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool.AddCert(certificate)
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", pkcs8), pool
}
