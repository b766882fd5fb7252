package graphs

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"wheelwright/solver/pep440"
	"wheelwright/solver/pep508"
)

const text = "# two distributions\n" +
	"python\t3.9\n" +
	"ask\tone\ta-b[x]\tc<2\n" +
	"@a-b\n" +
	"1.0\tc>=1\n" +
	"2.0\t|>=3.8\tc>=2 ; extra == 'x'\td ; extra == \"y\"\n" +
	"@c\n" +
	"1.5\n"

func TestReadAndWrite(t *testing.T) {
	g, err := Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	want := &Graph{Python: "3.9", Asks: []Ask{{"one", []string{"a-b[x]", "c<2"}}}, Projects: map[string][]Release{
		"a-b": {{"1.0", "", []string{"c>=1"}}, {"2.0", ">=3.8", []string{"c>=2 ; extra == 'x'", `d ; extra == "y"`}}},
		"c":   {{"1.5", "", []string{}}},
	}}
	if !reflect.DeepEqual(g, want) {
		t.Errorf("got %+v", g)
	}
	var b strings.Builder
	if err := g.Write(&b); err != nil || "# two distributions\n"+b.String() != text {
		t.Errorf("wrote %q, %v", b.String(), err)
	}
	for _, bad := range []string{"1.0\tx", "@A\n", "@a\n@a\n", "ask\tx\n"} {
		if g, err := Read(strings.NewReader(bad)); err == nil {
			t.Errorf("%q is %+v", bad, g)
		}
	}
}

func get(t *testing.T, at, span string) (int, []byte) {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, at, nil)
	if err != nil {
		t.Fatal(err)
	}
	if span != "" {
		req.Header.Set("Range", span)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, body
}

// What a page says of a file is so: size, hash, METADATA beside and inside.
func TestServed(t *testing.T) {
	g, err := Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	h := Handler(g)
	Warm(h, g)
	s := httptest.NewServer(h)
	defer s.Close()
	code, body := get(t, s.URL+"/simple/a-b/", "")
	var page struct{ Files []pageFile }
	if err := json.Unmarshal(body, &page); code != 200 || err != nil || len(page.Files) != 2 {
		t.Fatalf("%d %v %s", code, err, body)
	}
	f := page.Files[1]
	if f.Filename != "a_b-2.0-py3-none-any.whl" || f.RequiresPython != ">=3.8" {
		t.Errorf("%+v", f)
	}
	address := s.URL + "/simple/a-b/" + f.URL
	code, wheel := get(t, address, "")
	if sum := sha256.Sum256(wheel); code != 200 || len(wheel) != f.Size || hex.EncodeToString(sum[:]) != f.Hashes["sha256"] {
		t.Errorf("%d, %d bytes, sha256 %x; page: %+v", code, len(wheel), sum, f)
	}
	if code, tail := get(t, address, "bytes=-100"); code != 206 || !bytes.Equal(tail, wheel[len(wheel)-100:]) {
		t.Errorf("the tail: %d, %d bytes", code, len(tail))
	}
	_, beside := get(t, address+".metadata", "")
	const want = "Metadata-Version: 2.1\nName: a-b\nVersion: 2.0\nRequires-Python: >=3.8\nProvides-Extra: x\nProvides-Extra: y\n" +
		"Requires-Dist: c>=2 ; extra == 'x'\nRequires-Dist: d ; extra == \"y\"\n"
	if sum := sha256.Sum256(beside); string(beside) != want || hex.EncodeToString(sum[:]) != f.Metadata["sha256"] {
		t.Errorf("METADATA %s\n%x, page: %v", beside, sum, f.Metadata)
	}
	z, err := zip.NewReader(bytes.NewReader(wheel), int64(len(wheel)))
	if err != nil || len(z.File) != 3 {
		t.Fatal(err)
	}
	r, err := z.File[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	if inside, err := io.ReadAll(r); err != nil || string(inside) != want {
		t.Errorf("inside: %s %v", inside, err)
	}
	for _, none := range []string{"/simple/d/", "/files/a-b/a_b-3-py3-none-any.whl", "/files/d/d-1.whl"} {
		if code, _ := get(t, s.URL+none, ""); code != 404 {
			t.Errorf("%s: %d", none, code)
		}
	}
}

func TestResolvelib(t *testing.T) {
	g, err := ReadResolvelib(strings.NewReader(`About it.
-- Graph x
not	this
-- END
-- Universe x
__root
	0.0.0
		A.b@
		EnabledDependencies x,y|c@<2
a-b
	2.0
		Environment "python_version < \"3\" or extra == 'a|b'"|c@>=1,<2
	1.0
	old-version
		c@
c
	1.0
		d@==
-- END
`), "demo")
	if err != nil {
		t.Fatal(err)
	}
	want := &Graph{Asks: []Ask{{"demo", []string{"A.b", "c[x,y]<2"}}}, Projects: map[string][]Release{
		"a-b": {{Version: "1.0"}, {"2.0", "", []string{`c>=1,<2 ; python_version < "3" or extra == 'a|b'`}}},
		"c":   {{Version: "1.0"}},
	}}
	if !reflect.DeepEqual(g, want) {
		t.Errorf("got %+v", g)
	}
	for _, bad := range []string{"-- Universe x\na\n\t1.0\n\t\tno at sign\n", "-- Universe x\na\n\t1.0\n\t\tOdd x|c@\n", "-- Universe x\na\n\t\t\t\tdeep\n"} {
		if _, err := ReadResolvelib(strings.NewReader(bad), "x"); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}

// The committed graphs are of thousands of releases, each of which a resolver
// can read, and answer their own requests by name.
func TestCommitted(t *testing.T) {
	paths, err := filepath.Glob("../../testdata/graphs/*.txt.gz")
	if err != nil || len(paths) < 5 {
		t.Fatal(paths, err)
	}
	releases, asks := 0, 0
	var size int64
	for _, p := range paths {
		st, err := os.Stat(p)
		if err != nil {
			t.Fatal(err)
		}
		size += st.Size()
		g, err := Open(p)
		if err != nil {
			t.Fatal(err)
		}
		releases += g.Releases()
		asks += len(g.Asks)
		if g.Python == "" || len(g.Asks) == 0 {
			t.Errorf("%s: Python %q, %d requests", g.Name, g.Python, len(g.Asks))
		}
		for _, a := range g.Asks {
			for _, text := range a.Requires {
				r, err := pep508.Parse(text)
				if err != nil || len(g.Projects[string(r.Name)]) == 0 {
					t.Errorf("%s: request %s: %q has no releases (%v)", g.Name, a.Name, text, err)
				}
			}
		}
		for _, n := range g.Names() {
			for _, r := range g.Projects[n] {
				if _, err := pep440.Parse(r.Version); err != nil {
					t.Errorf("%s: %s %s: %v", g.Name, n, r.Version, err)
				}
				for _, d := range r.RequiresDist {
					if _, err := pep508.Parse(d); err != nil {
						t.Errorf("%s: %s %s: %v", g.Name, n, r.Version, err)
					}
				}
			}
		}
	}
	if releases < 25_000 || asks < 15 || size > 2<<20 {
		t.Errorf("%d releases, %d requests, %d bytes", releases, asks, size)
	}
}
