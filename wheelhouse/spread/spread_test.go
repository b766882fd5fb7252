package spread

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/csv"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"

	"wheelwright/fault"
	"wheelwright/wheelhouse/whl"
)

var scheme = Scheme{Prefix: "/opt/env", Python: "3.11"}

// member is one file of a wheel made here; perm 0 stands for 0644.
type member struct {
	name, text string
	perm       fs.FileMode
}

// build makes demo-1.0-py3-none-any.whl with METADATA, WHEEL and a RECORD
// that lists every member given.
func build(t testing.TB, members ...member) *whl.Wheel {
	t.Helper()
	w, err := open(members...)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func open(members ...member) (*whl.Wheel, error) {
	members = append(members,
		member{name: "demo-1.0.dist-info/METADATA", text: "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"},
		member{name: "demo-1.0.dist-info/WHEEL", text: "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"})
	own := false
	var record strings.Builder
	for _, m := range members {
		own = own || m.name == "demo-1.0.dist-info/RECORD"
		sum := sha256.Sum256([]byte(m.text))
		fmt.Fprintf(&record, "%s,sha256=%s,%d\n", quoted(m.name), base64.RawURLEncoding.EncodeToString(sum[:]), len(m.text))
	}
	record.WriteString("demo-1.0.dist-info/RECORD,,\n")
	if !own {
		members = append(members, member{name: "demo-1.0.dist-info/RECORD", text: record.String()})
	}
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for _, m := range members {
		h := &zip.FileHeader{Name: m.name, Method: zip.Deflate}
		if m.perm == 0 {
			m.perm = 0o644
		}
		h.SetMode(m.perm)
		f, err := z.CreateHeader(h)
		if err != nil {
			return nil, err
		}
		if _, err := io.WriteString(f, m.text); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return whl.Open(bytes.NewReader(buf.Bytes()), int64(buf.Len()), "demo-1.0-py3-none-any.whl")
}

// listing renders entries one a line: mode, path, what it holds.
func listing(entries []Entry) string {
	var b strings.Builder
	for _, e := range entries {
		what := "literal"
		switch {
		case e.Member != nil:
			what = "member " + e.Member.Name
		case e.Link != "":
			what = "-> " + e.Link
		}
		fmt.Fprintf(&b, "%o %s %s\n", e.Mode.Perm(), e.Path, what)
	}
	return b.String()
}

func text(t *testing.T, entries []Entry, at string) string {
	t.Helper()
	for _, e := range entries {
		if e.Path == at {
			return string(e.Literal)
		}
	}
	t.Fatalf("no entry %s in\n%s", at, listing(entries))
	return ""
}

func TestSpreadPlacesEveryScheme(t *testing.T) {
	w := build(t,
		member{name: "demo/__init__.py", text: "x = 1\n"},
		member{name: "demo/tool", text: "\x7fELF", perm: 0o700},
		member{name: "demo-1.0.data/purelib/pure.py", text: "p"},
		member{name: "demo-1.0.data/platlib/demo/plat.so", text: "s", perm: 0o775},
		member{name: "demo-1.0.data/headers/demo/demo.h", text: "h"},
		member{name: "demo-1.0.data/data/share/man/demo.1", text: "m"},
		member{name: "demo-1.0.data/data/lib64/demo.cfg", text: "c"},
		member{name: "demo-1.0.data/scripts/demo-sh", text: "#!/bin/sh\necho\n"},
		member{name: "demo-1.0.data/scripts/demo-py", text: "#!pythonw -E\nprint()\n"},
		member{name: "demo-1.0.data/scripts/demo-cli-script.py", text: "made by an old setuptools"},
		member{name: "demo-1.0.dist-info/entry_points.txt", text: "[console_scripts]\ndemo-cli = demo:main\n"},
		member{name: "demo-1.0.dist-info/REQUESTED"},
		member{name: "demo-1.0.dist-info/direct_url.json", text: "{}"},
		member{name: "demo-1.0.dist-info/INSTALLER", text: "other\n"})
	entries, err := Spread(w, scheme)
	if err != nil {
		t.Fatal(err)
	}
	want := `755 opt/env/bin/demo-cli literal
755 opt/env/bin/demo-py literal
755 opt/env/bin/demo-sh member demo-1.0.data/scripts/demo-sh
644 opt/env/include/site/python3.11/demo/demo/demo.h member demo-1.0.data/headers/demo/demo.h
644 opt/env/lib/demo.cfg member demo-1.0.data/data/lib64/demo.cfg
644 opt/env/lib/python3.11/site-packages/demo-1.0.dist-info/INSTALLER literal
644 opt/env/lib/python3.11/site-packages/demo-1.0.dist-info/METADATA member demo-1.0.dist-info/METADATA
644 opt/env/lib/python3.11/site-packages/demo-1.0.dist-info/RECORD literal
644 opt/env/lib/python3.11/site-packages/demo-1.0.dist-info/WHEEL member demo-1.0.dist-info/WHEEL
644 opt/env/lib/python3.11/site-packages/demo-1.0.dist-info/entry_points.txt member demo-1.0.dist-info/entry_points.txt
644 opt/env/lib/python3.11/site-packages/demo/__init__.py member demo/__init__.py
755 opt/env/lib/python3.11/site-packages/demo/plat.so member demo-1.0.data/platlib/demo/plat.so
755 opt/env/lib/python3.11/site-packages/demo/tool member demo/tool
644 opt/env/lib/python3.11/site-packages/pure.py member demo-1.0.data/purelib/pure.py
644 opt/env/share/man/demo.1 member demo-1.0.data/data/share/man/demo.1
`
	if got := listing(entries); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got, want := text(t, entries, "opt/env/bin/demo-py"), "#!/opt/env/bin/python\nprint()\n"; got != want {
		t.Errorf("demo-py is %q, want %q", got, want)
	}
	wantScript := `#!/opt/env/bin/python
import sys
from demo import main
if __name__ == '__main__':
    sys.argv[0] = sys.argv[0].removesuffix('.exe')
    sys.exit(main())
`
	if got := text(t, entries, "opt/env/bin/demo-cli"); got != wantScript {
		t.Errorf("demo-cli is %q, want %q", got, wantScript)
	}
	checkRecord(t, entries, "opt/env/lib/python3.11/site-packages/")
}

// checkRecord holds RECORD against the entries: each file once, by a path that
// leads from site-packages to it, with the hash of what is there.
func checkRecord(t *testing.T, entries []Entry, site string) {
	t.Helper()
	raw := text(t, entries, site+"demo-1.0.dist-info/RECORD")
	rows, err := csv.NewReader(strings.NewReader(raw)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	last, found := "", map[string][]string{}
	for _, r := range rows {
		if r[0] <= last {
			t.Errorf("RECORD line %q after %q", r[0], last)
		}
		last = r[0]
		found[resolve(site, r[0])] = r
	}
	if len(rows) != len(entries) || len(found) != len(rows) {
		t.Errorf("RECORD has %d lines, %d of them apart, for %d files:\n%s", len(rows), len(found), len(entries), raw)
	}
	for _, e := range entries {
		r, ok := found[e.Path]
		if !ok {
			t.Errorf("RECORD lacks %s:\n%s", e.Path, raw)
			continue
		}
		if strings.HasSuffix(e.Path, "/RECORD") {
			if r[1] != "" || r[2] != "" {
				t.Errorf("RECORD's own line is %q", r)
			}
			continue
		}
		if e.Literal != nil {
			sum := sha256.Sum256(e.Literal)
			if want := "sha256=" + base64.RawURLEncoding.EncodeToString(sum[:]); r[1] != want || r[2] != fmt.Sprint(len(e.Literal)) {
				t.Errorf("RECORD of %s says %q, want %s and %d", e.Path, r[1:], want, len(e.Literal))
			}
		} else if r[1] == "" || r[2] != fmt.Sprint(e.Member.Size) {
			t.Errorf("RECORD of %s says %q", e.Path, r[1:])
		}
	}
}

// resolve follows rel from the folder site (with a trailing slash).
func resolve(site, rel string) string {
	parts := strings.Split(strings.TrimSuffix(site, "/"), "/")
	for strings.HasPrefix(rel, "../") {
		rel, parts = rel[3:], parts[:len(parts)-1]
	}
	return strings.Join(append(parts, rel), "/")
}

func TestRecordLines(t *testing.T) {
	w := build(t,
		member{name: `demo/a,"b".py`, text: "1"},
		member{name: "demo/unlisted.py", text: "2"},
		member{name: "demo-1.0.dist-info/RECORD", text: "\"demo/a,\"\"b\"\".py\",sha256=AAA,1\n" +
			"demo/gone.py,sha256=BBB,3\n../../etc/passwd,sha256=CCC,3\ndemo-1.0.dist-info/WHEEL,sha256=WWW,\n"})
	entries, err := Spread(w, scheme)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("wheelwright\n"))
	want := strings.Join([]string{ // by path, not by its quoted form
		"demo-1.0.dist-info/INSTALLER,sha256=" + base64.RawURLEncoding.EncodeToString(sum[:]) + ",12",
		"demo-1.0.dist-info/METADATA,,",
		"demo-1.0.dist-info/RECORD,,",
		"demo-1.0.dist-info/WHEEL,sha256=WWW,",
		`"demo/a,""b"".py",sha256=AAA,1`,
		"demo/unlisted.py,,",
		"",
	}, "\r\n")
	if got := text(t, entries, "opt/env/lib/python3.11/site-packages/demo-1.0.dist-info/RECORD"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestSpreadRefuses(t *testing.T) {
	points := func(text string) member { return member{name: "demo-1.0.dist-info/entry_points.txt", text: text} }
	for _, c := range []struct {
		name   string
		member member
		says   []string
	}{
		{"unknown scheme", member{name: "demo-1.0.data/etc/passwd"}, []string{"demo-1.0.data/etc/passwd", "holds purelib"}},
		{"file in .data", member{name: "demo-1.0.data/data"}, []string{`"demo-1.0.data/data"`, "holds purelib"}},
		{"interpreter", member{name: "demo-1.0.data/scripts/python3"}, []string{"scripts/python3", "environment's own bin/python3"}},
		{"interpreter by data", member{name: "demo-1.0.data/data/bin/python3.11"}, []string{"environment's own bin/python3.11"}},
		{"pyvenv.cfg", member{name: "demo-1.0.data/data/pyvenv.cfg"}, []string{"environment's own pyvenv.cfg"}},
		{"lib64", member{name: "demo-1.0.data/data/lib64"}, []string{"environment's own lib64"}},
		{"whiteout", member{name: ".wh.torch"}, []string{`".wh.torch"`, "deletes another"}},
		{"whiteout by data", member{name: "demo-1.0.data/data/bin/.wh..wh..opq"}, []string{"bin/.wh..wh..opq", "deletes another"}},
		{"script that deletes", points("[console_scripts]\n.wh.pip = demo:main\n"), []string{"entry_points.txt", "deletes another"}},
		{"folder of a file", member{name: "demo-1.0.data/data/bin/cli/x"}, []string{"bin/cli/x", "its folder bin/cli is a file"}},
		{"script outside", points("[console_scripts]\n../x = demo:main\n"), []string{"entry_points.txt", "line 2", `"../x"`}},
		{"script in a folder", points("[gui_scripts]\na/b = demo:main\n"), []string{`"a/b"`}},
		{"script named python", points("[console_scripts]\npython = demo:main\n"), []string{"environment's own bin/python"}},
		{"no function", points("[console_scripts]\nx = demo\n"), []string{`"demo" is not module:function`}},
		{"code", points("[console_scripts]\nx = demo:main();import os\n"), nil},
		{"code in module", points("[console_scripts]\nx = os;demo:main\n"), []string{"not module:function"}},
		{"two colons", points("[console_scripts]\nx = a:b:c\n"), []string{"not module:function"}},
		{"bytes", points("[console_scripts]\nx\xff = a:b\n"), []string{"not UTF-8"}},
		{"broken RECORD", member{name: "demo-1.0.dist-info/RECORD", text: "a,b,c\n"}, []string{"RECORD", "size"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := build(t, c.member, member{name: "demo-1.0.data/scripts/cli", text: "#!/bin/sh"})
			entries, err := Spread(w, scheme)
			if c.says == nil {
				if err != nil {
					t.Fatal(err)
				}
				if got := text(t, entries, "opt/env/bin/x"); strings.Contains(got, "os") {
					t.Errorf("text behind the reference reached the script: %q", got)
				}
				return
			}
			if fault.KindOf(err) != fault.Integrity {
				t.Fatalf("got %v, want an integrity fault", err)
			}
			for _, s := range append(c.says, "demo-1.0-py3-none-any.whl") {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("%q does not say %q", err, s)
				}
			}
		})
	}
}

func TestScheme(t *testing.T) {
	w := build(t)
	for _, s := range []Scheme{{"opt", "3.11"}, {"/", "3.11"}, {"/a/../b", "3.11"}, {"/a\nb", "3.11"}, {"/a\"b", "3.11"},
		{"/opt/env/", "3.11"}, {"/opt", "3"}, {"/opt", "3.11.2"}, {"/opt", "3.11/.."}, {"", ""}, {"/opt/.wh.env", "3.11"}} {
		if _, err := Spread(w, s); fault.KindOf(err) != fault.Input {
			t.Errorf("%+v: %v, want an input fault", s, err)
		}
	}
	long := "/" + strings.Repeat("x", 113) // one byte more than fits a first line of 127
	for _, c := range []struct{ prefix, want string }{
		{"/opt/env", "#!/opt/env/bin/python\n"},
		{"/opt/my env", "#!/bin/sh\n'''exec' \"/opt/my env/bin/python\" \"$0\" \"$@\"\n' '''\n"},
		{long[:len(long)-1], "#!" + long[:len(long)-1] + "/bin/python\n"},
		{long, "#!/bin/sh\n'''exec' " + long + "/bin/python \"$0\" \"$@\"\n' '''\n"},
	} {
		if got := (Scheme{c.prefix, "3.11"}).shebang(); got != c.want {
			t.Errorf("%s: %q, want %q", c.prefix, got, c.want)
		}
	}
}

func TestVenv(t *testing.T) {
	entries := Venv(scheme, "/usr/bin", "3.11.2")
	want := `777 opt/env/bin/python -> /usr/bin/python3.11
777 opt/env/bin/python3 -> python
777 opt/env/bin/python3.11 -> python
777 opt/env/lib64 -> lib
644 opt/env/pyvenv.cfg literal
`
	if got := listing(entries); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	cfg := "home = /usr/bin\ninclude-system-site-packages = false\nversion = 3.11.2\nexecutable = /usr/bin/python3.11\n"
	if got := text(t, entries, "opt/env/pyvenv.cfg"); got != cfg {
		t.Errorf("pyvenv.cfg is %q, want %q", got, cfg)
	}
	for _, e := range entries {
		if e.Link != "" && e.Mode != fs.ModeSymlink|0o777 {
			t.Errorf("%s has mode %v", e.Path, e.Mode)
		}
		if rel := strings.TrimPrefix(e.Path, "opt/env/"); !scheme.reserved(rel) {
			t.Errorf("a wheel may replace %s", rel)
		}
	}
}

func TestCollisions(t *testing.T) {
	lit := func(path, text string) Entry { return Entry{Path: path, Mode: 0o644, Literal: []byte(text)} }
	mem := func(path string, crc uint32, size int64) Entry {
		return Entry{Path: path, Mode: 0o755, Member: &whl.Member{CRC32: crc, Size: size}}
	}
	got := Collisions([]NamedEntries{
		{"a.whl", []Entry{lit("x/same", "hello"), lit("x/differs", "1"), lit("x/tree", "file"), mem("x/so", 7, 3)}},
		{"b.whl", []Entry{mem("x/same", 0x3610a686, 5), lit("x/differs", "2"), lit("x/tree/leaf", ""), mem("x/so", 7, 4)}},
		{"c.whl", []Entry{lit("x/differs", "1"), lit("x/alone", ""), {Path: "x/same", Link: "y"}}},
	})
	want := []Collision{{"x/differs", []string{"a.whl", "b.whl", "c.whl"}, false}, {"x/same", []string{"a.whl", "b.whl", "c.whl"}, false},
		{"x/so", []string{"a.whl", "b.whl"}, false}, {"x/tree", []string{"a.whl", "b.whl"}, true}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
