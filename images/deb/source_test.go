package deb

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"wheelwright/fault"
)

// repo is a company's repository under test: it wants a password.
type repo struct {
	files   map[string][]byte
	refused atomic.Int64
	refuse  bool // like an object store, what is not there
	*httptest.Server
}

const repoUser, repoPassword = "wendy", "hunter2"

func newRepo(t *testing.T) *repo {
	r := &repo{files: map[string][]byte{}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		user, password, _ := q.BasicAuth()
		if user != repoUser || password != repoPassword {
			r.refused.Add(1)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		data, ok := r.files[q.URL.Path]
		if !ok && r.refuse {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		if !ok {
			http.NotFound(w, q)
			return
		}
		w.Write(data)
	}))
	t.Cleanup(r.Close)
	return r
}

// url is the address with credentials.
func (r *repo) url() string {
	return strings.Replace(r.URL, "://", "://"+repoUser+":"+repoPassword+"@", 1)
}

// put adds a package and gives its paragraph of an index.
func (r *repo) put(name, version, arch, path string) string {
	data := debOf(name, version, "", ".gz", entry{name: "./opt/" + name, body: version})
	data = bytes.Replace(data, []byte("Architecture: amd64"), []byte("Architecture: "+arch), 1)
	r.files["/"+strings.TrimPrefix(path, "./")] = data
	return fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: %s\nFilename: %s\nSize: %d\nSHA256: %s\n\n", name, version, arch, path, len(data), hashOf(data))
}

// index puts an index at a path and gives its lines of a Release below folder.
func (r *repo) index(folder, path, text string) string {
	small := packed(".gz", []byte(text))
	r.files[folder+path+".gz"] = small
	return fmt.Sprintf(" %s %d %s\n %s %d %s.gz\n", hashOf([]byte(text)), len(text), path, hashOf(small), len(small), path)
}

// company is a repository with suites, and what image.apt says of it.
func company(t *testing.T) (*repo, Source) {
	r := newRepo(t)
	lines := r.index("/dists/stable/", "main/binary-amd64/Packages", r.put("tool", "1", "amd64", "pool/tool_1.deb")+r.put("tool", "2~rc", "amd64", "pool/tool_2~rc+b%1.deb")+
		r.put("netbase", "6", "amd64", "pool/netbase_6.deb")+r.put("dash", "99", "amd64", "pool/dash_99.deb"))
	lines += r.index("/dists/stable/", "main/binary-all/Packages", r.put("data", "1", "all", "pool/data_1.deb"))
	lines += r.index("/dists/stable/", "extra/binary-amd64/Packages", r.put("more", "1", "amd64", "pool/more_1.deb"))
	r.files["/dists/stable/InRelease"] = inRelease(t, "Suite: stable\nCodename: anvil\nArchitectures: amd64 all\nSHA256:\n"+lines, at(signedAt), mirrorKey())
	return r, Source{URL: r.url() + "/", Suite: "stable", Components: []string{"main", "extra"}, Key: public(t, mirrorKey())}
}

func find(p *Plan, name string) Package {
	if i := slices.IndexFunc(p.Packages, func(d Package) bool { return d.Name == name }); i >= 0 {
		return p.Packages[i]
	}
	return Package{}
}

// Packages of image.apt join Debian's: the newest version of a name counts,
// of equal ones Debian's, and each knows its archive.
func TestAptSource(t *testing.T) {
	m := newMirror(t, world(t)...)
	r, source := company(t)
	o := m.options(t, "tool", "data", "more")
	o.Apt = []Source{source}
	p, err := Resolve(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, version, archive, path string }{
		{"tool", "2~rc", r.URL, "pool/tool_2~rc+b%1.deb"}, {"data", "1", r.URL, "pool/data_1.deb"}, {"more", "1", r.URL, "pool/more_1.deb"},
		{"netbase", "6", archiveDebian, "pool/netbase_6.deb"}, {"dash", "99", r.URL, "pool/dash_99.deb"},
		{"libc6", "2.36-1+deb12u2", archiveSecurity, "pool/libc6_2.36-1+deb12u2.deb"},
	} {
		if d := find(p, c.name); d.Version != c.version || d.Archive != c.archive || d.Path != c.path {
			t.Errorf("%s: %+v, want %+v", c.name, d, c)
		}
	}
	if p.At != "2026-07-11T10:16:37Z" || find(p, "tool").Layer != layerPackages {
		t.Errorf("at %s, tool in layer %s", p.At, find(p, "tool").Layer)
	}
	layers := layersOf(t, p, fetch(t, p, o))
	if layers["packages"]["opt/tool"].Size == 0 {
		t.Error("the file of tool is not in its layer")
	}
	if r.refused.Load() > 0 {
		t.Errorf("%d requests without credentials", r.refused.Load())
	}
	o.Offline = true
	o.Apt[0].URL = strings.Replace(o.Apt[0].URL, repoPassword, "another", 1) // it may change
	if again, err := Resolve(context.Background(), o); err != nil || find(again, "tool").SHA256 != find(p, "tool").SHA256 {
		t.Errorf("offline: %v", err)
	}
	filepath.WalkDir(o.CacheDir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if strings.Contains(path, repoPassword) || bytes.Contains(data, []byte(repoPassword)) || bytes.Contains(data, []byte(repoUser)) {
			t.Errorf("the credentials are in the cache, in %s", path)
		}
		return err
	})
}

// A flat repository has one index for all machines and no components.
func TestFlatSource(t *testing.T) {
	m := newMirror(t, world(t)...)
	for _, suite := range []string{"./", "/", "x86_64/", "./x86_64/"} {
		r := newRepo(t)
		folder := "/"
		if strings.Contains(suite, "x86_64") {
			folder = "/x86_64/"
		}
		text := r.put("tool", "1", "amd64", "./tool_1.deb") + r.put("tool", "2", "arm64", "./tool_2.deb") + r.put("data", "1", "all", "data_1.deb")
		release := []byte("Date: Sat, 11 Jul 2026 10:16:37 UTC\nSHA256:\n" + r.index(folder, "Packages", text))
		r.refuse = suite == "./"
		r.files[folder+"Release"], r.files[folder+"Release.gpg"] = release, detached(t, release, true, mirrorKey())
		o := m.options(t, "tool", "data")
		o.Apt = []Source{{URL: r.url(), Suite: suite, Key: public(t, mirrorKey())}}
		p, err := Resolve(context.Background(), o)
		if err != nil {
			t.Errorf("%s: %v", suite, err)
			continue
		}
		if d := find(p, "tool"); d.Version != "1" || d.Archive != r.URL || d.Path != "tool_1.deb" || find(p, "data").Arch != "all" {
			t.Errorf("%s: %+v", suite, d)
		}
		fetch(t, p, o)
	}
}

func TestAptSourceTrouble(t *testing.T) {
	stranger := newKey(t, 0)
	m := newMirror(t, world(t)...)
	for name, c := range map[string]struct {
		spoil func(r *repo, s *Source)
		kind  fault.Kind
		want  string
	}{
		"another key":    {func(_ *repo, s *Source) { s.Key = public(t, stranger) }, fault.Integrity, "which is not trusted"},
		"no key":         {func(_ *repo, s *Source) { s.Key = nil }, fault.Input, "no OpenPGP public key"},
		"HTML for a key": {func(_ *repo, s *Source) { s.Key = []byte("<html>") }, fault.Input, "its key"},
		"another suite": {func(r *repo, s *Source) {
			s.Suite = "testing"
			r.files["/dists/testing/InRelease"] = r.files["/dists/stable/InRelease"]
		}, fault.Integrity, `suite "stable", codename "anvil"`},
		"no such suite":   {func(_ *repo, s *Source) { s.Suite = "gone" }, fault.Input, "no such file"},
		"no component":    {func(_ *repo, s *Source) { s.Components = []string{"gone"} }, fault.Input, "component gone"},
		"components":      {func(_ *repo, s *Source) { s.Components = nil }, fault.Input, "components"},
		"flat components": {func(_ *repo, s *Source) { s.Suite = "./" }, fault.Input, "flat repository"},
		"a suite above":   {func(_ *repo, s *Source) { s.Suite, s.Components = "../../x/", nil }, fault.Input, "flat repository"},
		"an address":      {func(_ *repo, s *Source) { s.URL = "ftp://wendy:hunter2@apt.test" }, fault.Input, "no http or https address"},
		"no address":      {func(_ *repo, s *Source) { s.URL = "https://wendy:hunter2@[apt" }, fault.Input, "no http or https address"},
		"wrong password":  {func(_ *repo, s *Source) { s.URL = strings.Replace(s.URL, repoUser, "paul", 1) }, fault.Auth, "401"},
		"flipped bit":     {func(r *repo, _ *Source) { r.files["/dists/stable/main/binary-amd64/Packages.gz"][40] ^= 1 }, fault.Integrity, "sha256"},
		"altered": {func(r *repo, _ *Source) {
			f := r.files["/dists/stable/InRelease"]
			f[bytes.Index(f, []byte("anvil"))] ^= 1
		}, fault.Integrity, "not what was signed"},
		"neither":          {func(r *repo, _ *Source) { delete(r.files, "/dists/stable/InRelease") }, fault.Input, "InRelease"},
		"neither, refused": {func(r *repo, _ *Source) { delete(r.files, "/dists/stable/InRelease"); r.refuse = true }, fault.Auth, "403"},
		"unsigned Release": {func(r *repo, _ *Source) {
			f := r.files["/dists/stable/InRelease"]
			delete(r.files, "/dists/stable/InRelease")
			r.files["/dists/stable/Release"] = f
		}, fault.Integrity, "not signed"},
	} {
		r, source := company(t)
		c.spoil(r, &source)
		o := m.options(t, "tool")
		o.Apt = []Source{source}
		err := m.read(t, o)
		text := fault.Render(err)
		if fault.KindOf(err) != c.kind || !strings.Contains(text, c.want) || !strings.Contains(text, "\nnext: ") {
			t.Errorf("%s: kind %d, want %d and %q in\n%s", name, fault.KindOf(err), c.kind, c.want, text)
		}
		if strings.Contains(text, repoPassword) || strings.Contains(text, repoUser) {
			t.Errorf("%s: credentials in\n%s", name, text)
		}
	}
}
