package index

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"testing"

	"wheelwright/fault"
)

// TestRoots asks a server whose certificate nobody knows but who was told.
func TestRoots(t *testing.T) {
	srv := httptest.NewTLSServer(http.NotFoundHandler())
	defer srv.Close()
	bundle := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}))
	files := map[string]string{"a.pem": bundle, "dir/b.pem": bundle, "dir/readme": "no certificate", "none.pem": "no certificate"}
	const (
		system = iota // nothing is named
		trusted
		refused
	)
	for _, c := range []struct {
		name string
		env  map[string]string
		conf string
		want int
	}{
		{"nothing", nil, "", system},
		{"PIP_CERT", map[string]string{"PIP_CERT": "DIR/a.pem"}, "", trusted},
		{"a folder", map[string]string{"REQUESTS_CA_BUNDLE": "DIR/dir"}, "", trusted},
		{"SSL_CERT_FILE", map[string]string{"SSL_CERT_FILE": "DIR/a.pem"}, "", trusted},
		{"SSL_CERT_DIR", map[string]string{"SSL_CERT_DIR": "DIR/gone:DIR/dir"}, "", trusted},
		{"pip.conf", nil, "[global]\ncert = DIR/a.pem\n", trusted},
		{"PIP_CERT hides pip.conf", map[string]string{"PIP_CERT": "DIR/a.pem"}, "[global]\ncert = DIR/gone.pem\n", trusted},
		{"missing", map[string]string{"PIP_CERT": "DIR/gone.pem"}, "", refused},
		{"missing SSL_CERT_FILE", map[string]string{"SSL_CERT_FILE": "DIR/gone.pem"}, "", system},
		{"no certificate in it", map[string]string{"SSL_CERT_FILE": "DIR/none.pem"}, "", refused},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := map[string]string{"etc/pip.conf": c.conf}
			for k, v := range files {
				all[k] = v
			}
			o, _ := setup(t, all, c.env)
			s, err := Configure(o)
			if err != nil {
				t.Fatal(err)
			}
			pool, err := s.Roots()
			switch c.want {
			case refused:
				if fault.KindOf(err) != fault.Input {
					t.Errorf("error %v", err)
				}
			case system:
				if err != nil || pool != nil {
					t.Errorf("%v, %v; want the system's", pool, err)
				}
			case trusted:
				if err != nil {
					t.Fatal(err)
				}
				if err := ask(srv.URL, pool); err != nil {
					t.Error(err)
				}
			}
		})
	}
	if ask(srv.URL, x509.NewCertPool()) == nil {
		t.Error("the server is trusted by who was not told")
	}
}

func ask(address string, pool *x509.CertPool) error {
	c := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	defer c.CloseIdleConnections()
	resp, err := c.Get(address)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}
