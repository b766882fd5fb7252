package index

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"wheelwright/fault"
)

// secret is a source with credentials, and what they look like on the wire.
func secret(s *server) Source { return s.simple().WithCredentials("user", "s3cret") }

func TestCredentialsStayWithTheirHost(t *testing.T) {
	own, other := newServer(t), newServer(t)
	own.on("/simple/demo/", func(w http.ResponseWriter, r *http.Request) {
		if u, p, ok := r.BasicAuth(); !ok || u != "user" || p != "s3cret" {
			t.Error("the index's own host got no credentials")
		}
		body(jsonType, jsonOf(demoFile, other.URL+"/"+demoFile, ""))(w, r)
	})
	own.on("/moved/", status(302, "Location: "+own.URL+"/simple/demo/"))
	own.on("/away/", status(307, "Location: "+strings.Replace(other.URL, "://", "://user:s3cret@", 1)+"/simple/demo/"))
	own.on("/back/", status(301, "Location: "+other.URL+"/home"))
	bare := func(h http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if len(r.Header["Authorization"]) > 0 || len(r.Header["Cookie"]) > 0 {
				t.Errorf("%s got credentials", r.URL)
			}
			if r.Header.Get("Referer") != "" {
				t.Errorf("%s was told where we come from", r.URL)
			}
			h(w, r)
		}
	}
	other.on("/simple/demo/", bare(body(jsonType, `{"files":[]}`)))
	other.on("/"+demoFile, bare(serveFile(wheelOf("1.0", 10, 0))))
	other.on("/home", bare(status(302, "Location: "+own.URL+"/end")))
	own.on("/end", bare(body(jsonType, `{"files":[]}`)))

	c := newClient(t, "", secret(own))
	page := mustPage(t, c, "demo")
	if m, err := c.Metadata(ctx, "demo", page.Files[0]); err != nil || m.Metadata == nil {
		t.Errorf("%+v %v", m, err)
	}
	for _, path := range []string{"/moved/", "/away/", "/back/"} {
		_, e, err := c.page(ctx, task{what: "page", address: own.URL + path, limit: maxPage}, nil)
		if err != nil || e.missing {
			t.Errorf("%s: %+v %v", path, e, err)
		}
	}
	if n := other.count(""); n != 3 {
		t.Errorf("the other host was asked %d times", n)
	}
	if strings.Contains(c.trace.String(), "s3cret") {
		t.Errorf("the trace holds a credential:\n%s", c.trace)
	}
}

func TestRedirectsThatAreRefused(t *testing.T) {
	s := newServer(t)
	for location, want := range map[string]string{
		"http://files.index.test/x": "plain http",
		"ftp://files.index.test/x":  "scheme",
		"file:///etc/passwd":        "scheme",
		"/simple/demo/":             "over 10 redirects",
		"http://%zz":                "no URL",
	} {
		s.on("/simple/demo/", status(302, "Location: "+location))
		_, err := newClient(t, "", secret(s)).Page(ctx, "demo")
		wantFault(t, err, fault.Input, "page of demo", want)
	}
}

func TestPlainHTTPOnLoopbackAlone(t *testing.T) {
	for address, ok := range map[string]bool{
		"http://127.0.0.1:1/simple": true, "http://localhost/simple": true, "http://[::1]:8080/": true, "https://index.test/simple": true,
		"http://index.test/simple": false, "http://127.0.0.1.index.test/": false, "http://localhost.index.test/": false, "ftp://index.test/": false, "https:///simple": false,
	} {
		_, err := New(Settings{Sources: []Source{{Name: "main", URL: address}}}, ClientOptions{})
		if (err == nil) != ok {
			t.Errorf("%s: %v", address, err)
		}
	}
	_, _, _, err := newClient(t, "").Open(ctx, "http://user:s3cret@index.test/x.whl?token=s3cret", 0)
	wantFault(t, err, fault.Input, "plain http", "index.test/x.whl")
}

func TestKeyring(t *testing.T) {
	var k keyring
	add := func(address, user string) {
		u, _ := url.Parse(address)
		k.add(u, user, "p")
	}
	add("https://index.test/a/simple", "a")
	add("https://index.test/b/simple", "b")
	add("https://index.test:8443/", "c")
	for address, want := range map[string]string{
		"https://index.test/a/files/x": "a", "https://INDEX.test:443/b/files/x": "b", "https://index.test/": "a", "https://index.test:8443/b": "c",
		"http://index.test/a": "", "https://other.index.test/a": "", "https://index.test:444/a": "", "https://index.test.evil.test/a": "",
	} {
		u, _ := url.Parse(address)
		if got, _, _ := k.find(u); got != want {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
}

func TestPlainAddresses(t *testing.T) {
	for in, want := range map[string]string{
		"https://user:s3cret@index.test/a?token=s3cret#s3cret": "https://index.test/a?…",
		"https://index.test/a":                                 "https://index.test/a",
		"https://s3cret@index.test":                            "https://index.test",
		"https://user:s3cret@%zz":                              "an address that is no URL",
	} {
		if got := plain(in); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
	if s := (Source{Name: "n", URL: "https://index.test"}).WithCredentials("user", "s3cret"); strings.Contains(s.String()+s.GoString(), "s3cret") {
		t.Error("a printed source holds its password")
	}
}
