package rootfs

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wheelwright/fault"
	"wheelwright/wheelhouse/tree"
)

// head is an entry of a test layer: "dir/", "file=text", "file*=text" (can be
// run), "link->target", "hard=>target", "dev!" and what else tar has.
func head(s string) (h tar.Header, text string) {
	if p, t, ok := strings.Cut(s, "->"); ok {
		return tar.Header{Name: p, Typeflag: tar.TypeSymlink, Linkname: t, Mode: 0o777}, ""
	}
	if p, t, ok := strings.Cut(s, "=>"); ok {
		return tar.Header{Name: p, Typeflag: tar.TypeLink, Linkname: t, Mode: 0o644}, ""
	}
	if p, ok := strings.CutSuffix(s, "!"); ok {
		return tar.Header{Name: p, Typeflag: tar.TypeChar, Mode: 0o666}, ""
	}
	if p, ok := strings.CutSuffix(s, "|"); ok {
		return tar.Header{Name: p, Typeflag: tar.TypeFifo, Mode: 0o666}, ""
	}
	if strings.HasSuffix(s, "/") {
		return tar.Header{Name: s, Typeflag: tar.TypeDir, Mode: 0o700}, ""
	}
	p, text, _ := strings.Cut(s, "=")
	h = tar.Header{Name: p, Typeflag: tar.TypeReg, Mode: 0o000, Size: int64(len(text)), Uid: 1000}
	if h.Name, _ = strings.CutSuffix(p, "*"); h.Name != p {
		h.Mode = 0o4711
	}
	return h, text
}

func makeTar(t testing.TB, entries ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, s := range entries {
		h, text := head(s)
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// unpackTo unpacks a tar as a layer of a cache, and gives its diffID.
func unpackTo(t testing.TB, cache string, data []byte) (diffID string, err error) {
	t.Helper()
	sum := sha256.Sum256(data)
	hexed := hex.EncodeToString(sum[:])
	dir := openLayers(cache).shelf.Path(hexed)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return "sha256:" + hexed, unpackTar(t.Context(), bytes.NewReader(data), "sha256:"+hexed, dir)
}

// show lays layers out and lists what is there: "dir/", "file=text", "file*=text", "link->target".
func show(t testing.TB, root string, layers ...[]byte) ([]string, error) {
	t.Helper()
	cache := t.TempDir()
	u := newUnion()
	for _, data := range layers {
		diffID, err := unpackTo(t, cache, data)
		if err != nil {
			return nil, err
		}
		items, dir, err := openLayers(cache).items(diffID)
		if err != nil {
			t.Fatal(err)
		}
		if err := u.addLayer(items, dir); err != nil {
			return nil, err
		}
	}
	if err := tree.Lay(t.Context(), root, u.files()); err != nil {
		return nil, err
	}
	return list(t, root), nil
}

func list(t testing.TB, root string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
		if err != nil || p == root {
			return err
		}
		rel, _ := filepath.Rel(root, p)
		switch {
		case e.IsDir():
			rel += "/"
		case e.Type() == fs.ModeSymlink:
			target, _ := os.Readlink(p)
			rel += "->" + target
		default:
			info, err := e.Info()
			if err != nil {
				return err
			}
			text, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			switch info.Mode() {
			case 0o555:
				rel += "*"
			case 0o444:
			default:
				rel += fmt.Sprintf(" %v", info.Mode())
			}
			rel += "=" + string(text)
		}
		out = append(out, rel)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestUnion: layers show together what a runtime shows of them (OCI image-spec,
// layer.md).
func TestUnion(t *testing.T) {
	layers := func(l ...[]string) [][]string { return l }
	for name, c := range map[string]struct {
		layers [][]string
		want   string
	}{
		"modes":                                 {layers([]string{"a/", "a/f=1", "a/g*=2"}), "a/ a/f=1 a/g*=2"},
		"parents that no entry names":           {layers([]string{"a/b/c=1"}), "a/ a/b/ a/b/c=1"},
		"the upper one of two":                  {layers([]string{"f=1", "g=1"}, []string{"f*=2"}), "f*=2 g=1"},
		"the later of two":                      {layers([]string{"f=1", "f=2"}), "f=2"},
		"a folder stays a folder":               {layers([]string{"a/", "a/f=1"}, []string{"a/", "a/g=2"}), "a/ a/f=1 a/g=2"},
		"a file for a folder":                   {layers([]string{"a/b/f=1"}, []string{"a=2"}), "a=2"},
		"a folder for a file":                   {layers([]string{"a=1"}, []string{"a/", "a/f=2"}), "a/ a/f=2"},
		"a link for a folder":                   {layers([]string{"a/f=1", "b/g=2"}, []string{"a->b"}), "a->b b/ b/g=2"},
		"a folder for a link":                   {layers([]string{"b/g=1", "a->b"}, []string{"a/", "a/f=2"}), "a/ a/f=2 b/ b/g=1"},
		"whiteout":                              {layers([]string{"a/f=1", "a/g=1"}, []string{"a/.wh.f"}), "a/ a/g=1"},
		"whiteout of a folder":                  {layers([]string{"a/b/f=1", "c=1"}, []string{".wh.a"}), "c=1"},
		"whiteout before and after its own":     {layers([]string{"a/f=1", "a/g=1"}, []string{"a/", "a/f=2", "a/.wh.f", "a/.wh.g", "a/g=2"}), "a/ a/f=2 a/g=2"},
		"a folder deleted and made anew":        {layers([]string{"a/f=1"}, []string{".wh.a", "a/", "a/g=2"}), "a/ a/g=2"},
		"whiteout of nothing":                   {layers([]string{"f=1"}, []string{".wh.g"}), "f=1"},
		"opaque":                                {layers([]string{"a/f=1", "a/b/g=1"}, []string{"a/", "a/h=2", "a/.wh..wh..opq"}), "a/ a/h=2"},
		"opaque root":                           {layers([]string{"a/f=1"}, []string{".wh..wh..opq", "g=2"}), "g=2"},
		"aufs' own":                             {layers([]string{".wh..wh.plnk/", ".wh..wh.aufs=1", "f=1"}), "f=1"},
		"through a link to a folder":            {layers([]string{"usr/lib/", "lib->usr/lib"}, []string{"lib/x=2"}), "lib->usr/lib usr/ usr/lib/ usr/lib/x=2"},
		"through an absolute link":              {layers([]string{"usr/lib/", "lib->/usr/lib"}, []string{"lib/x=2"}), "lib->/usr/lib usr/ usr/lib/ usr/lib/x=2"},
		"through a link above the root":         {layers([]string{"a/up->../../../b", "b/"}, []string{"a/up/x=2"}), "a/ a/up->../../../b b/ b/x=2"},
		"whiteout through a link":               {layers([]string{"usr/lib/x=1", "lib->usr/lib"}, []string{"lib/.wh.x"}), "lib->usr/lib usr/ usr/lib/"},
		"through a link to nothing":             {layers([]string{"lib->usr/lib", "lib/x=1"}), "lib->usr/lib usr/ usr/lib/ usr/lib/x=1"},
		"hard links":                            {layers([]string{"a*=1", "b=>a", "c=>b"}), "a*=1 b*=1 c*=1"},
		"a hard link to the layer below":        {layers([]string{"a=1"}, []string{"b=>a", "a=2"}), "a=2 b=1"},
		"a hard link to a link":                 {layers([]string{"a->x", "b=>a"}), "a->x b->x"},
		"a hard link through a link":            {layers([]string{"d/f=1", "e->d", "g=>e/f"}), "d/ d/f=1 e->d g=1"},
		"devices and pipes are left out":        {layers([]string{"dev/null!", "dev/pipe|", "f=1"}), "f=1"},
		"names from the root, with dots":        {layers([]string{"./a=1", "/b=2", "c/../d=3", "./"}), "a=1 b=2 d=3"},
		"names above the root":                  {layers([]string{"../../a=1"}), "a=1"},
		"names that are not UTF-8":              {layers([]string{"a\xff\xe9=1", "Főtanúsítvány=2"}), "Főtanúsítvány=2 a\xff\xe9=1"},
		"links to nowhere and in circles":       {layers([]string{"a->a", "b->c", "c->b", "d->/none"}), "a->a b->c c->b d->/none"},
		"hard linked file deleted further down": {layers([]string{"a=1"}, []string{"b=>a", ".wh.a"}), "b=1"},
	} {
		var all [][]byte
		for _, l := range c.layers {
			all = append(all, makeTar(t, l...))
		}
		got, err := show(t, t.TempDir(), all...)
		if err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("%s: %q, %v\n want %q", name, strings.Join(got, " "), err, c.want)
		}
	}
}

// TestHostileLayers: what cannot be laid out is refused, and nothing leaves the
// root.
func TestHostileLayers(t *testing.T) {
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "victim"), []byte("whole"), 0o644); err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 256)
	deep := strings.Repeat("d/", 1600) + "f"
	for name, c := range map[string]struct {
		layers [][]byte
		want   string // empty: refused
	}{
		"a file below a file":          {layers: [][]byte{makeTar(t, "a=1", "a/b=2")}},
		"a file below a file in two":   {layers: [][]byte{makeTar(t, "a=1"), makeTar(t, "a/b=2")}},
		"a hard link to nothing":       {layers: [][]byte{makeTar(t, "a=>"+outside+"/victim")}},
		"a hard link to a folder":      {layers: [][]byte{makeTar(t, "d/", "a=>d")}},
		"a hard link to itself":        {layers: [][]byte{makeTar(t, "a=>a")}},
		"a hard link to the root":      {layers: [][]byte{makeTar(t, "a=>/")}},
		"a name too long":              {layers: [][]byte{makeTar(t, long+"=1")}},
		"a path too long":              {layers: [][]byte{makeTar(t, deep+"=1")}},
		"a link too long":              {layers: [][]byte{makeTar(t, "a->"+strings.Repeat("x", 4096))}},
		"a whiteout of no name":        {layers: [][]byte{makeTar(t, ".wh.")}},
		"a whiteout of the folder":     {layers: [][]byte{makeTar(t, "a/.wh..")}},
		"a whiteout of the one above":  {layers: [][]byte{makeTar(t, "a/.wh...")}},
		"cut short":                    {layers: [][]byte{makeTar(t, "a=12345")[:514]}},
		"no tar":                       {layers: [][]byte{bytes.Repeat([]byte("no tar "), 200)}},
		"a link out, a file through":   {[][]byte{makeTar(t, "way->"+outside, "way/victim=gone")}, "way->" + outside},
		"a link out in another layer":  {[][]byte{makeTar(t, "way->../../../../../.."+outside), makeTar(t, "way/victim=gone", "way/.wh.other")}, "way->"},
		"set-id bits and devices":      {[][]byte{makeTar(t, "su*=1", "mem!")}, "su*=1"},
		"a link out, folders below it": {[][]byte{makeTar(t, "way->"+outside), makeTar(t, "way/new/", "way/new/f=1")}, "way->"},
	} {
		root := t.TempDir()
		got, err := show(t, root, c.layers...)
		if c.want == "" && err == nil {
			t.Errorf("%s: laid out as %q", name, got)
		}
		if c.want != "" && (err != nil || !strings.Contains(strings.Join(got, " "), c.want)) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if got := strings.Join(list(t, outside), " "); got != "victim rw-r--r--=whole" && got != "victim -rw-r--r--=whole" {
			t.Fatalf("%s: outside is now %q", name, got)
		}
	}
}

// TestBombs: what unpacks to more than a layer may have is stopped.
func TestBombs(t *testing.T) {
	sparse := tar.Header{Name: "huge", Typeflag: tar.TypeReg, Mode: 0o644, Size: maxBytes + 1}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&sparse); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	err := unpackTar(t.Context(), &b, "sha256:0", dir)
	if err == nil || !strings.Contains(err.Error(), "bytes") {
		t.Errorf("%v, want a refusal of its size", err)
	}
	if got := list(t, dir); len(got) > 0 {
		t.Errorf("it left %q", got)
	}
	if _, _, err := openLayers(t.TempDir()).items("sha256:../../etc"); fault.KindOf(err) != fault.Integrity {
		t.Errorf("%v, want a refusal of a diffID that is none", err)
	}
}

// TestWrongDiffID: a layer is kept under the digest of its tar, so that digest
// is checked.
func TestWrongDiffID(t *testing.T) {
	dir := t.TempDir()
	other := strings.Repeat("0", 64)
	err := unpackTar(t.Context(), bytes.NewReader(makeTar(t, "a=1")), "sha256:"+other, dir)
	if err == nil || !strings.Contains(err.Error(), other) {
		t.Errorf("%v, want a refusal that names both digests", err)
	}
	if _, err := os.Stat(filepath.Join(dir, indexFile)); err == nil {
		t.Error("it has an index")
	}
}

// FuzzLayer: any bytes as two layers are laid out below the root or refused,
// and no file stands below a link.
func FuzzLayer(f *testing.F) {
	f.Add(makeTar(f, "a/", "a/f=1", "l->a", "l/g=2", "h=>a/f"), makeTar(f, "a/.wh.f", "b/.wh..wh..opq", "l/x=3"))
	f.Add(makeTar(f, "w->/", "w/etc/x=1"), makeTar(f, "w/../../y=2", ".wh.w"))
	f.Add([]byte("no tar"), []byte{})
	f.Fuzz(func(t *testing.T, lower, upper []byte) {
		top := t.TempDir()
		root := filepath.Join(top, "root")
		if err := os.Mkdir(root, 0o755); err != nil {
			t.Fatal(err)
		}
		if _, err := show(t, root, lower, upper); err != nil {
			return
		}
		if all, _ := os.ReadDir(top); len(all) != 1 {
			t.Fatalf("beside the root there is %v", all)
		}
		filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
			if err != nil {
				t.Fatal(err)
			}
			if m := e.Type(); m != 0 && m != fs.ModeDir && m != fs.ModeSymlink {
				t.Fatalf("%s is %v", p, m)
			}
			return nil
		})
	})
}
