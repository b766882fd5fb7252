package images

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"wheelwright/fault"
)

var basic = "Basic " + base64.StdEncoding.EncodeToString([]byte("u:geheim"))

// secrets are what no other host and no error may get.
var secrets = []string{"geheim", strings.TrimPrefix(basic, "Basic "), "TOKEN"}

// guarded asks for basic credentials.
func guarded(w http.ResponseWriter, r *http.Request) bool {
	if r.Header.Get("Authorization") == basic {
		return false
	}
	w.Header().Set("WWW-Authenticate", `Basic realm="r"`)
	w.WriteHeader(http.StatusUnauthorized)
	return true
}

func TestBasic(t *testing.T) {
	hurry(t)
	f, i := newFake(t), mustBuild(t, scratch(t))
	f.hook = guarded
	text, err := pushTo(t, f.host, i, WriteOptions{})
	if fault.KindOf(err) != fault.Auth || !strings.Contains(text, "docker login "+f.host) {
		t.Errorf("no credentials: %s", text)
	}
	login(t, f.host)
	if text, err := pushTo(t, f.host, i, WriteOptions{}); err != nil {
		t.Error(text)
	}
	if base, err := OpenBase(t.Context(), BaseOptions{Ref: f.host + "/env:x", Machine: "x86_64", CacheDir: t.TempDir()}); err != nil || base.Digest != i.Digest() {
		t.Errorf("as a base: %v", err)
	}
}

// A credential helper of docker's configuration is asked.
func TestCredentialHelper(t *testing.T) {
	hurry(t)
	f, bin := newFake(t), t.TempDir()
	f.hook = guarded
	helper := "#!/bin/sh\ncat >/dev/null\necho '{\"Username\":\"u\",\"Secret\":\"geheim\"}'\n"
	err1 := os.WriteFile(filepath.Join(bin, "docker-credential-safe"), []byte(helper), 0o755)
	err2 := os.WriteFile(filepath.Join(os.Getenv("DOCKER_CONFIG"), "config.json"), fmt.Appendf(nil, `{"credHelpers":{%q:"safe"}}`, f.host), 0o600)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	if text, err := pushTo(t, f.host, mustBuild(t, scratch(t)), WriteOptions{}); err != nil {
		t.Error(text)
	}
	if err := os.WriteFile(filepath.Join(os.Getenv("DOCKER_CONFIG"), "config.json"), []byte("{no JSON"), 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := pushTo(t, f.host, mustBuild(t, scratch(t)), WriteOptions{}); fault.KindOf(err) != fault.Auth {
		t.Error(text)
	}
}

// Uploads and redirects that lead to another host take no credential there,
// nor the address they came from.
func TestCredentialsStay(t *testing.T) {
	hurry(t)
	i := mustBuild(t, scratch(t))
	for name, to := range map[string]func(f, other *fakeRegistry, w http.ResponseWriter, r *http.Request) bool{
		"location of the upload": func(f, other *fakeRegistry, w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodPost {
				return false
			}
			other.mu.Lock()
			id := fmt.Sprint(len(other.uploads))
			other.uploads[id] = nil
			other.mu.Unlock()
			w.Header().Set("Location", other.URL+"/v2/env/blobs/uploads/"+id)
			w.WriteHeader(http.StatusAccepted)
			return true
		},
		"redirect of PATCH": func(f, other *fakeRegistry, w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodPatch {
				return false
			}
			io.Copy(io.Discard, r.Body)
			id := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
			other.mu.Lock()
			other.uploads[id] = nil
			other.mu.Unlock()
			http.Redirect(w, r, other.URL+r.URL.Path, http.StatusTemporaryRedirect)
			return true
		},
		"redirect of HEAD": func(f, other *fakeRegistry, w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodHead || !strings.Contains(r.URL.Path, "/blobs/") {
				return false
			}
			http.Redirect(w, r, other.URL+r.URL.Path+"?"+r.URL.RawQuery, http.StatusTemporaryRedirect)
			return true
		},
	} {
		f, other := newFake(t), newFake(t)
		login(t, f.host)
		f.hook = func(w http.ResponseWriter, r *http.Request) bool { return guarded(w, r) || to(f, other, w, r) }
		other.hook = func(w http.ResponseWriter, r *http.Request) bool { // it begs, too
			if r.Header.Get("Authorization") != "" || r.Header.Get("Referer") != "" {
				t.Errorf("%s: %s %s with %q", name, r.Method, r.URL, r.Header)
			}
			return false
		}
		text, err := pushTo(t, f.host, i, WriteOptions{})
		if err != nil || len(other.asked()) == 0 {
			t.Errorf("%s: %d requests there: %s", name, len(other.asked()), text)
		}
	}
}

// Another host that asks for credentials gets none, in any form.
func TestOtherHostBegs(t *testing.T) {
	hurry(t)
	i := mustBuild(t, scratch(t))
	for _, challenge := range []string{`Basic realm="r"`, `Bearer realm="http://localhost:%s/token",service="s",scope="repository:env:push"`} {
		f, other := newFake(t), newFake(t)
		login(t, f.host)
		_, port, _ := strings.Cut(other.host, ":")
		other.hook = func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("WWW-Authenticate", strings.ReplaceAll(challenge, "%s", port))
			w.WriteHeader(http.StatusUnauthorized)
			return true
		}
		f.hook = func(w http.ResponseWriter, r *http.Request) bool {
			if guarded(w, r) {
				return true
			}
			if r.Method == http.MethodPost {
				w.Header().Set("Location", other.URL+"/elsewhere?sig=abc")
				w.WriteHeader(http.StatusAccepted)
				return true
			}
			return false
		}
		text, err := pushTo(t, f.host, i, WriteOptions{})
		if fault.KindOf(err) != fault.Auth || !strings.Contains(text, other.host) || strings.Contains(text, "sig=abc") {
			t.Errorf("%s: %s", challenge, text)
		}
		for _, s := range secrets {
			if other.sawSecret(s) || len(other.asked()) == 0 {
				t.Errorf("%s: %q got away in %d requests", challenge, s, len(other.asked()))
			}
		}
	}
}

// Redirects are bounded, keep their method and never give up TLS; a manifest
// goes to its registry alone.
func TestRedirectsRefused(t *testing.T) {
	hurry(t)
	i := mustBuild(t, scratch(t))
	for name, c := range map[string]struct {
		method, part string
		status       int
		to           func(f, other *fakeRegistry, r *http.Request) string
	}{
		"a ring":            {"HEAD", "/blobs/", 307, func(f, _ *fakeRegistry, r *http.Request) string { return f.URL + r.URL.Path }},
		"POST turned GET":   {"POST", "/uploads/", 302, func(_, other *fakeRegistry, _ *http.Request) string { return other.URL + "/" }},
		"PUT of a manifest": {"PUT", "/manifests/", 307, func(_, other *fakeRegistry, _ *http.Request) string { return other.URL + "/x" }},
		"a plain host":      {"HEAD", "/blobs/", 307, func(*fakeRegistry, *fakeRegistry, *http.Request) string { return "http://index.test/x?sig=abc" }},
		"a plain upload":    {"POST", "/uploads/", 202, func(*fakeRegistry, *fakeRegistry, *http.Request) string { return "http://index.test/x?sig=abc" }},
		"no scheme known":   {"POST", "/uploads/", 202, func(*fakeRegistry, *fakeRegistry, *http.Request) string { return "ftp://index.test/x?sig=abc" }},
	} {
		f, other := newFake(t), newFake(t)
		login(t, f.host)
		f.hook = func(w http.ResponseWriter, r *http.Request) bool {
			return guarded(w, r) || answer(c.method, c.part, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", c.to(f, other, r))
				w.WriteHeader(c.status)
			})(w, r)
		}
		text, err := pushTo(t, f.host, i, WriteOptions{})
		if fault.KindOf(err) != fault.Input || len(other.asked()) > 0 || f.count("HEAD", "") > 8*(len(i.Layers)+1) || strings.Contains(text, "sig=abc") {
			t.Errorf("%s: kind %d, %d requests elsewhere: %s", name, fault.KindOf(err), len(other.asked()), text)
		}
	}
}

// tokenRegistry asks for bearer tokens of a realm on another host.
func tokenRegistry(t *testing.T) (f, realm *fakeRegistry, valid *atomic.Int64) {
	f, realm, valid = newFake(t), newFake(t), new(atomic.Int64)
	_, port, _ := strings.Cut(realm.host, ":")
	realm.hook = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Authorization") != basic {
			w.WriteHeader(http.StatusUnauthorized)
			return true
		}
		fmt.Fprintf(w, `{"token":"TOKEN%d"}`, valid.Load())
		return true
	}
	f.hook = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Authorization") == fmt.Sprintf("Bearer TOKEN%d", valid.Load()) {
			return false
		}
		w.Header().Set("WWW-Authenticate", `Bearer realm="http://localhost:`+port+`/token",service="s"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	}
	return f, realm, valid
}

// The password goes to the realm, the token to the registry; a token that
// ends during an upload is renewed and the upload goes on.
func TestToken(t *testing.T) {
	hurry(t)
	pace.chunk = 100_000
	f, realm, valid := tokenRegistry(t)
	if text, err := pushTo(t, f.host, mustBuild(t, scratch(t)), WriteOptions{}); fault.KindOf(err) != fault.Auth {
		t.Errorf("no credentials: %s", text)
	}
	login(t, f.host)
	inner := f.hook
	var patches atomic.Int64
	f.hook = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPatch && patches.Add(1)%3 == 2 {
			valid.Add(1) // the token that it came with ends now
		}
		return inner(w, r)
	}
	data := noise(700_000, 9)
	p, _ := bytesPart(data)
	w := writerTo(t, f.host, "env", WriteOptions{})
	if err := w.bring(t.Context(), p, "layer"); err != nil || string(f.blob("env@"+p.String())) != string(data) {
		t.Error(err)
	}
	if f.sawSecret("geheim") || f.sawSecret(secrets[1]) || !realm.sawSecret(secrets[1]) || realm.sawSecret("TOKEN") {
		t.Error("a credential went to the wrong host")
	}
	if realm.count("GET", "scope=repository%3Aenv%3Apush%2Cpull") == 0 {
		t.Errorf("asked for %q", realm.asked())
	}
	// A mount asks to read where the blob lies.
	seen.add(f.host, "from/there", p.digest)
	f.mu.Lock()
	f.blobs["from/there@"+p.String()] = data
	f.mu.Unlock()
	before := f.sent()
	if err := writerTo(t, f.host, "new", WriteOptions{}).bring(t.Context(), p, "layer"); err != nil || f.sent() != before {
		t.Errorf("%d bytes sent in place of a mount, %v", f.sent()-before, err)
	}
	if realm.count("GET", "scope=repository%3Afrom%2Fthere%3Apull") == 0 {
		t.Errorf("asked for %q", realm.asked())
	}
}

// Realms that must not get a password do not; what a login says is repeated
// without secrets.
func TestRealmRefused(t *testing.T) {
	hurry(t)
	for realm, want := range map[string]fault.Kind{
		"http://index.test/token?sig=abc": fault.Input, "http://10.0.0.1/token?sig=abc": fault.Input, "ftp://index.test/?sig=abc": fault.Input, "": fault.Temporary,
	} {
		f := newFake(t)
		login(t, f.host)
		f.hook = func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("WWW-Authenticate", `Bearer service="s"`+strings.Repeat(`,realm="`+realm+`"`, min(len(realm), 1)))
			w.WriteHeader(http.StatusUnauthorized)
			return true
		}
		_, err := tryWriter(t, f.host, "env", WriteOptions{})
		if text := fault.Render(err); fault.KindOf(err) != want || strings.Contains(text, "sig=abc") {
			t.Errorf("realm %q: kind %d: %s", realm, fault.KindOf(err), text)
		}
	}
	for _, body := range []string{`{"refresh_token":"geheim"}`, `geheim`, `{"errors":[{"code":"DENIED","message":"u:geheim at http://u:geheim@x.test/?sig=abc Basic ` + secrets[1] + `"}]}`} {
		f, realm, _ := tokenRegistry(t)
		login(t, f.host)
		realm.hook = func(w http.ResponseWriter, _ *http.Request) bool {
			if strings.Contains(body, "DENIED") {
				w.WriteHeader(http.StatusForbidden)
			}
			io.WriteString(w, body)
			return true
		}
		_, err := tryWriter(t, f.host, "env", WriteOptions{})
		text := fault.Render(err)
		for _, s := range append([]string{"sig=abc"}, secrets...) {
			if err == nil || strings.Contains(text, s) || strings.Contains(err.Error(), s) {
				t.Errorf("%s: %q in %s", body, s, text)
			}
		}
	}
}

// A registry that gives back the credential it got, as a digest or a media
// type, has it in no error.
func TestEchoedSecret(t *testing.T) {
	hurry(t)
	f, i := newFake(t), mustBuild(t, scratch(t))
	login(t, f.host)
	f.hook = func(w http.ResponseWriter, r *http.Request) bool {
		if !guarded(w, r) && r.Method != http.MethodPut && strings.Contains(r.URL.Path, "/manifests/") {
			w.Header().Set("Docker-Content-Digest", r.Header.Get("Authorization"))
			w.Header().Set("Content-Type", "text/"+r.Header.Get("Authorization"))
			return true
		}
		return w.Header().Get("WWW-Authenticate") != ""
	}
	said, err := pushTo(t, f.host, i, WriteOptions{})
	if fault.KindOf(err) != fault.Integrity {
		t.Error(said)
	}
	_, err = inspect(t, f.host+"/env:x")
	if fault.KindOf(err) != fault.Input {
		t.Error(err)
	}
	for _, s := range secrets {
		if strings.Contains(said+fault.Render(err), s) {
			t.Errorf("%q in %s%v", s, said, err)
		}
	}
}

// A password in a refresh does not follow a redirect of the token server.
func TestRefreshTokenStays(t *testing.T) {
	hurry(t)
	f, realm, _ := tokenRegistry(t)
	other := newFake(t)
	loginToken(t, f.host)
	realm.hook = func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, strings.Replace(other.URL, "127.0.0.1", "localhost", 1)+"/token", http.StatusTemporaryRedirect)
		return true
	}
	_, err := tryWriter(t, f.host, "env", WriteOptions{})
	if fault.KindOf(err) != fault.Input || len(other.asked()) > 0 || !strings.Contains(fmt.Sprint(realm.asked()), "POST /token") {
		t.Errorf("%d requests elsewhere, %q: %v", len(other.asked()), realm.asked(), err)
	}
}

// Whatever a registry says in headers and texts, nothing breaks, no secret is
// repeated and no upload leads out of HTTP.
func FuzzAnswers(f *testing.F) {
	for _, s := range []string{"0-99", "bytes=0-5", "0--1", "/v2/x?_state=1", "https://u:geheim@b.test/?sig=abc", "http://a.test:443/x", "//b.test", "%zz", "Sun, 22 Nov 2026 12:00:00 GMT", "99999999999999999999"} {
		f.Add(s)
	}
	repo, err := name.NewRepository("a.test/env")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := &session{repo: repo, wire: &wire{spent: []string{"TOKEN"}}, auth: authn.FromConfig(authn.AuthConfig{Username: "u", Password: "geheim"})}
		said := s.scrub(text + " TOKEN geheim https://x.test/a?sig=abc " + text)
		for _, secret := range []string{"TOKEN", "geheim", "?sig=abc"} {
			if strings.Contains(said, secret) {
				t.Errorf("%q is in %q", secret, said)
			}
		}
		from, _ := url.Parse("https://a.test/v2/env/blobs/uploads/")
		res := &http.Response{StatusCode: 429, Header: http.Header{"Range": {text}, "Location": {text}, "Retry-After": {text}}, Request: &http.Request{URL: from}}
		if n, ok := received(res); ok && n < 0 {
			t.Errorf("Range %q is %d bytes", text, n)
		}
		s.wire.heed(res)
		if to, err := s.follow(res); err == nil && (to.Scheme != "https" || to.User != nil) {
			t.Errorf("Location %q leads to %s", text, to)
		}
	})
}
