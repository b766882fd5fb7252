package recorded

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func get(t *testing.T, address string) (status int, contentType, body string) {
	t.Helper()
	r, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close() //nolint:errcheck // read to its end
	data, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, r.Header.Get("Content-Type"), string(data)
}

type served struct {
	Files []struct {
		Filename, URL string
		Hashes        map[string]string
		Size          int64
		Yanked        any
		Core          any `json:"core-metadata"`
	}
}

func readPage(t *testing.T, address string) served {
	t.Helper()
	status, kind, body := get(t, address)
	if status != http.StatusOK || !strings.HasSuffix(kind, ".simple.v1+json") {
		t.Fatalf("%s: %d %s", address, status, kind)
	}
	var p served
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

func resolve(t *testing.T, base, ref string) string {
	t.Helper()
	b, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	r, err := b.Parse(ref)
	if err != nil {
		t.Fatal(err)
	}
	if parsed, err := url.Parse(ref); err != nil || parsed.IsAbs() {
		t.Errorf("%s is no relative address", ref)
	}
	return r.String()
}

func TestServe(t *testing.T) {
	s := Start(t, Options{})
	at := s.Simple + "/peft/"
	metadata := 0
	for _, f := range readPage(t, at).Files {
		if f.Core != nil {
			t.Errorf("%s: METADATA is advertised", f.Filename)
		}
		file := resolve(t, at, f.URL)
		if strings.HasPrefix(f.Filename, "peft-0.13.2-") {
			if status, _, body := get(t, file+".metadata"); status != http.StatusOK ||
				!strings.Contains(body, "\nName: peft\nVersion: 0.13.2\n") || !strings.Contains(body, "\nRequires-Dist: torch") {
				t.Errorf("%s.metadata: %d %s", file, status, body)
			}
			if status, _, _ := get(t, file); status != http.StatusNotFound {
				t.Errorf("%s: %d, no file has bytes", file, status)
			}
			metadata++
		}
	}
	if metadata != 1 {
		t.Errorf("peft 0.13.2 has %d wheels with METADATA", metadata)
	}
	for _, absent := range []string{s.Simple + "/no-such-name/", s.Simple + "/..%2fcu118%2ftorch/", s.Simple + "/%2e%2e/",
		strings.TrimSuffix(s.Simple, "simple") + "files/peft-0.0-py3-none-any.whl.metadata",
		strings.TrimSuffix(s.Simple, "simple") + "files/recording.json"} {
		if status, _, _ := get(t, absent); status != http.StatusNotFound {
			t.Errorf("%s: %d", absent, status)
		}
	}
}

func TestServeCU118(t *testing.T) {
	s := Start(t, Options{})
	at := s.CU118 + "/torch/"
	p := readPage(t, at)
	for _, f := range p.Files {
		status, _, body := get(t, resolve(t, at, f.URL)+".metadata")
		if status != http.StatusOK || !strings.Contains(body, "\nVersion: 2.7.1+cu118\n") {
			t.Errorf("%s: METADATA %d", f.Filename, status)
		}
	}
	if status, _, _ := get(t, s.CU118+"/peft/"); status != http.StatusNotFound || len(p.Files) == 0 {
		t.Errorf("the cu118 index has peft (%d), or no torch (%d files)", status, len(p.Files))
	}
}

func TestServeOptions(t *testing.T) {
	asked := 0
	s := Start(t, Options{
		AdvertiseMetadata: true,
		Wrap: func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { asked++; h.ServeHTTP(w, r) })
		},
		Page:     func(name string, page map[string]any) bool { page["name"] = "changed"; return name != "trl" },
		Metadata: func(file string, text []byte) []byte { return nil },
	})
	advertised := 0
	p := readPage(t, s.Simple+"/peft/")
	for _, f := range p.Files {
		if f.Core == true {
			advertised++
		}
	}
	if status, _, _ := get(t, s.Simple+"/trl/"); status != http.StatusNotFound {
		t.Errorf("a page that is taken away answers %d", status)
	}
	if status, _, _ := get(t, strings.TrimSuffix(s.Simple, "simple")+"files/peft-0.13.2-py3-none-any.whl.metadata"); status != http.StatusNotFound {
		t.Errorf("METADATA that is taken away answers %d", status)
	}
	if advertised == 0 || advertised == len(p.Files) || asked != 3 {
		t.Errorf("%d of %d files advertise METADATA; %d requests counted", advertised, len(p.Files), asked)
	}
}
