package deb

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wheelwright/fault"
)

// control is a control.tar of package x1 with these members beside control.
func control(members ...entry) string {
	return string(tarOf(append([]entry{{name: "./control", body: "Package: x1\nVersion: 1\nArchitecture: all\n"}}, members...)...))
}

// arFile is one member of an ar archive.
type arFile = [2]string

var format = arFile{"debian-binary", "2.0\n"}

// rawTar writes headers as they are given, which tarOf's entries cannot say.
func rawTar(t *testing.T, headers ...*tar.Header) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, strings.Repeat("x", int(h.Size)))
	}
	w.Close()
	return b.String()
}

// paxTar is a data.tar whose one file has an extended header of these bytes.
func paxTar(kind byte, records string) string {
	block := func(name string, kind byte, size int) string {
		h := make([]byte, 512)
		copy(h, name)
		copy(h[100:], "0000644\x000000000\x000000000\x00")
		copy(h[124:], fmt.Sprintf("%011o\x0000000000000\x00", size))
		copy(h[148:], "        ")
		h[156] = kind
		copy(h[257:], "ustar\x0000")
		sum := 0
		for _, c := range h {
			sum += int(c)
		}
		copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
		return string(h)
	}
	padded := records + strings.Repeat("\x00", -len(records)&511)
	return block("x", kind, len(records)) + padded + block("./a", '0', 0) + strings.Repeat("\x00", 1024)
}

// unpackOne runs one .deb of package x1 through everything.
func unpackOne(t *testing.T, data []byte) (*Tree, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "x.deb")
	os.WriteFile(file, data, 0o644)
	p := &Plan{Packages: []Package{{Name: "x1", Version: "1", Path: "x.deb", Arch: "amd64", SHA256: hashOf(data), Layer: layerBase}}}
	tree, err := p.Unpack(context.Background(), func(string) string { return file }, t.TempDir(), 1)
	if err == nil {
		t.Cleanup(func() { tree.Close() })
	}
	return tree, err
}

// Each is refused with exit code 5, for the reason given.
func TestHostilePackages(t *testing.T) {
	if testing.Short() {
		t.Skip("nothing here runs side by side, and the race detector makes it ten times as long")
	}
	ok := debOf("x1", "1", "", ".gz", entry{name: "./a", body: "a"})
	files := func(entries ...entry) []byte { return debOf("x1", "1", "", "", entries...) }
	data := func(tar string) []byte { return ar(format, arFile{"control.tar", control()}, arFile{"data.tar", tar}) }
	zeros := string(packed(".xz", make([]byte, 70<<20)))
	header := func(h tar.Header) []byte { h.Format = tar.FormatPAX; return data(rawTar(t, &h)) }
	for name, c := range map[string]struct {
		deb  []byte
		want string
	}{
		"not ar":               {[]byte("PK\x03\x04 something else entirely, long enough"), "not an ar archive"},
		"empty":                {nil, "not an ar archive"},
		"cut in the middle":    {ok[:len(ok)/2], "ar member at byte"},
		"cut at the end":       {ok[:len(ok)-2], "ar member at byte"},
		"trailing bytes":       {append(bytes.Clone(ok), "more"...), "ar header at byte"},
		"negative size":        {bytes.Replace(ok, []byte("4         `"), []byte("-4        `"), 1), "ar member at byte"},
		"size beyond the file": {bytes.Replace(ok, []byte("4         `"), []byte("9999999999`"), 1), "ar member at byte"},
		"many members":         {ar(slicesOf(arFile{"_x", ""}, 100)...), "more than 64 members"},
		"two control members":  {ar(format, arFile{"control.tar", control()}, arFile{"control.tar.gz", ""}, arFile{"data.tar", ""}), "a second"},
		"a second data.tar":    {append(bytes.Clone(ok), ar(arFile{"data.tar", ""})[8:]...), "a second data.tar"},
		"no data":              {ar(format, arFile{"control.tar", ""}), "not a Debian package"},
		"data before control":  {ar(format, arFile{"data.tar", ""}, arFile{"control.tar", ""}), "not a Debian package"},
		"unknown format":       {ar(arFile{"debian-binary", "3.0\n"}, arFile{"control.tar", ""}, arFile{"data.tar", ""}), "package format"},
		"unknown compression":  {ar(format, arFile{"control.tar", control()}, arFile{"data.tar.lz", "x"}), "compression not known"},
		"broken xz":            {ar(format, arFile{"control.tar", control()}, arFile{"data.tar.xz", "\xfd7zXZ\x00 and no more"}), "data.tar.xz"},
		"broken gzip":          {ar(format, arFile{"control.tar", control()}, arFile{"data.tar.gz", "\x1f\x8b and no more"}), "data.tar.gz"},
		"broken zstd":          {ar(format, arFile{"control.tar", control()}, arFile{"data.tar.zst", "\x28\xb5\x2f\xfd and no more"}), "data.tar.zst"},
		"cut gzip":             {ar(format, arFile{"control.tar", control()}, arFile{"data.tar.gz", string(packed(".gz", tarOf()))[:20]}), "unexpected EOF"},
		"bytes after xz":       {ar(format, arFile{"control.tar", control()}, arFile{"data.tar.xz", string(packed(".xz", tarOf())) + "more"}), "data.tar.xz"},
		"checksum of control":  {ar(format, arFile{"control.tar.gz", spoilt(packed(".gz", []byte(control())))}, arFile{"data.tar", ""}), "control.tar.gz"},
		"bomb in data.tar":     {ar(format, arFile{"control.tar", strings.Replace(control(), "Version: 1\n", "Version: 1\n", 1)}, arFile{"data.tar.xz", zeros}), "unpacks to more than is allowed"},
		"bomb in control.tar":  {ar(format, arFile{"control.tar.xz", zeros}, arFile{"data.tar", ""}), "control.tar.xz"},
		"larger than it says":  {debOf("x1", "1", "Installed-Size: 4\n", ".gz", entry{name: "./a", body: strings.Repeat("x", 65<<20)}), "unpacks to more than is allowed"},

		"other name":            {debOf("y1", "1", "", ".gz"), "its control file says y1 1"},
		"other version":         {debOf("x1", "2", "", ".gz"), "its control file says x1 2"},
		"no control file":       {ar(format, arFile{"control.tar", string(tarOf())}, arFile{"data.tar", ""}), "its control file says"},
		"two control files":     {ar(format, arFile{"control.tar", control(entry{name: "control", body: "x"})}, arFile{"data.tar", ""}), "stands twice"},
		"control is a link":     {ar(format, arFile{"control.tar", string(tarOf(entry{name: "./control", kind: tar.TypeSymlink, link: "/etc/passwd"}))}, arFile{"data.tar", ""}), "is no file"},
		"huge control file":     {debOf("x1", "1", "Description: "+strings.Repeat("x", maxStanza), ".gz"), "a control file of"},
		"two paragraphs":        {debOf("x1", "1", "\nPackage: openssl\nVersion: 9\n", ""), "not one paragraph"},
		"two parted by blanks":  {debOf("x1", "1", "\r\nPackage: openssl\nVersion: 9\n", ""), "not one paragraph"},
		"two parted by a space": {debOf("x1", "1", " \nPackage: openssl\nVersion: 9\n", ""), "not one paragraph"},
		"other architecture":    {bytes.Replace(debOf("x1", "1", "", ""), []byte("amd64"), []byte("arm64"), 1), `architecture "arm64"`},
		"a path for one":        {bytes.Replace(debOf("x1", "1", "", ""), []byte("amd64"), []byte("../64"), 1), `architecture "../64"`},
		"many control members":  {ar(format, arFile{"control.tar", control(manyFiles(maxScripts)...)}, arFile{"data.tar", ""}), "one too many"},
		"tar header is garbage": {data(strings.Repeat("x", 1024)), "data.tar"},
		"cut content":           {data(rawTar(t, &tar.Header{Name: "a", Size: 4096})[:2048]), "data.tar"},

		"parent path":    {files(entry{name: "../../etc/passwd", body: "x"}), `path "../../etc/passwd"`},
		"inner parent":   {files(entry{name: "./a/../../b", body: "x"}), `path "./a/../../b"`},
		"absolute path":  {files(entry{name: "/etc/passwd", body: "x"}), `path "/etc/passwd"`},
		"double slash":   {files(entry{name: "./a//b", body: "x"}), `path "./a//b"`},
		"newline":        {files(entry{name: "./a\nb", body: "x"}), `path "./a\nb"`},
		"not UTF-8":      {files(entry{name: "./a\xffb", body: "x"}), `path "./a\xffb"`},
		"whiteout":       {files(entry{name: "./etc/.wh.passwd", body: "x"}), ".wh.passwd"},
		"opaque folder":  {files(entry{name: "./.wh..wh..opq/x", body: "x"}), ".wh..wh..opq"},
		"long path":      {files(entry{name: "./" + strings.Repeat("abcdefgh/", 500) + "x"}), "is not one of a package"},
		"long name":      {files(entry{name: "./" + strings.Repeat("a", 300)}), "a name of 300 bytes"},
		"root is a file": {files(entry{name: ".", body: "x"}), "the root is not a folder"},
		"block device":   {files(entry{name: "./dev/sda", kind: tar.TypeBlock}), "neither file, folder nor link"},
		"char device":    {files(entry{name: "./dev/mem", kind: tar.TypeChar}), "neither file, folder nor link"},
		"pipe":           {files(entry{name: "./p", kind: tar.TypeFifo}), "neither file, folder nor link"},
		"owner":          {header(tar.Header{Name: "a", Uid: 1 << 40}), "is owned by"},

		"hard link out":          {files(entry{name: "./a", kind: tar.TypeLink, link: "../../etc/shadow"}), `path "../../etc/shadow"`},
		"absolute hard link":     {files(entry{name: "./a", kind: tar.TypeLink, link: "/etc/shadow"}), `path "/etc/shadow"`},
		"hard link to nothing":   {files(entry{name: "./a", kind: tar.TypeLink, link: "./b"}), "no file before it"},
		"hard link to later":     {files(entry{name: "./a", kind: tar.TypeLink, link: "./b"}, entry{name: "./b", body: "x"}), "no file before it"},
		"hard link to a link":    {files(entry{name: "./b", kind: tar.TypeSymlink, link: "/etc/shadow"}, entry{name: "./a", kind: tar.TypeLink, link: "./b"}), "no file before it"},
		"hard link to a folder":  {files(entry{name: "./b/"}, entry{name: "./a", kind: tar.TypeLink, link: "./b"}), "no file before it"},
		"hard link to itself":    {files(entry{name: "./a", kind: tar.TypeLink, link: "./a"}), "no file before it"},
		"link to nothing":        {files(entry{name: "./a", kind: tar.TypeSymlink}), "links to"},
		"long link":              {files(entry{name: "./a", kind: tar.TypeSymlink, link: strings.Repeat("a/", 4096)}), "links to"},
		"link loop":              {files(entry{name: "./a", kind: tar.TypeSymlink, link: "b"}, entry{name: "./b", kind: tar.TypeSymlink, link: "a"}, entry{name: "./a/c", body: "x"}), "too many links"},
		"root through a link":    {files(entry{name: "./a", kind: tar.TypeSymlink, link: "/"}, entry{name: "./a/b", body: "x"}, entry{name: "./b", body: "y"}), "it has /b twice"},
		"below a file":           {files(entry{name: "./a", body: "x"}, entry{name: "./a/b", body: "x"}), "is not a folder"},
		"twice":                  {files(entry{name: "./a", body: "x"}, entry{name: "./a", body: "y"}), "stands twice"},
		"twice, spelt apart":     {files(entry{name: "./a", body: "x"}, entry{name: "a", body: "y"}), "stands twice"},
		"twice through usrmerge": {files(entry{name: "./bin/a", body: "x"}, entry{name: "./usr/bin/a", body: "y"}), "it has /usr/bin/a twice"},
		"file over a folder":     {files(entry{name: "./a/"}, entry{name: "./a", body: "y"}), "stands twice"},
		"folder over a file":     {files(entry{name: "./a", body: "y"}, entry{name: "./a/"}), "stands twice"},

		"sparse":             {data(paxTar('x', "22 GNU.sparse.major=0\n22 GNU.sparse.minor=1\n26 GNU.sparse.numblocks=1\n22 GNU.sparse.map=0,0\n21 GNU.sparse.size=0\n")), "is a sparse file"},
		"global header":      {data(paxTar('g', "12 path=./b\n")), "neither file, folder nor link"},
		"huge record":        {data(paxTar('x', "2000010 comment="+strings.Repeat("x", 2000000-7)+"\n")), "data.tar"},
		"record of no size":  {data(paxTar('x', "0 path=./b\n")), "data.tar"},
		"record too long":    {data(paxTar('x', "99 path=./b\n")), "data.tar"},
		"NUL in a PAX path":  {data(paxTar('x', "14 path=./b\x00c\n")), "data.tar"},
		"PAX path out":       {data(paxTar('x', "15 path=../../b\n")), "data.tar"},
		"PAX size":           {data(paxTar('x', "27 size=999999999999999999\n")), "data.tar"},
		"negative PAX size":  {data(paxTar('x', "11 size=-1\n")), "data.tar"},
		"negative PAX owner": {data(paxTar('x', "10 uid=-1\n")), "data.tar"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := unpackOne(t, c.deb)
			if fault.KindOf(err) != fault.Integrity || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want an integrity fault with %q", err, c.want)
			}
		})
	}
}

// What the hostile ones differ from is taken, and so is what is merely odd.
func TestOddPackages(t *testing.T) {
	for name, deb := range map[string][]byte{
		"plain":            debOf("x1", "1", "", ".gz", entry{name: "./a", body: "a"}),
		"no entries":       debOf("x1", "1", "", ""),
		"members after":    append(debOf("x1", "1", "", "", entry{name: "./a", body: "aa"}), ar(arFile{"_gpgorigin", "x"})[8:]...),
		"members between":  ar(format, arFile{"_x", "y"}, arFile{"control.tar", control()}, arFile{"data.tar", string(tarOf(entry{name: "./a"}))}),
		"folder twice":     debOf("x1", "1", "", "", entry{name: "./a/"}, entry{name: "./a/"}, entry{name: "./a/b", body: "x"}),
		"compressible":     debOf("x1", "1", "Installed-Size: 40000\n", ".gz", entry{name: "./a", body: strings.Repeat("x", 40<<20)}),
		"PAX path":         ar(format, arFile{"control.tar", control()}, arFile{"data.tar", paxTar('x', "12 path=./b\n")}),
		"link to anywhere": debOf("x1", "1", "", "", entry{name: "./a", kind: tar.TypeSymlink, link: "../../../../etc/shadow"}),
	} {
		if _, err := unpackOne(t, deb); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func slicesOf(m arFile, n int) []arFile {
	out := make([]arFile, n)
	for i := range out {
		out[i] = m
	}
	return out
}

func manyFiles(n int) []entry {
	out := make([]entry, n)
	for i := range out {
		out[i] = entry{name: fmt.Sprintf("./f%d", i)}
	}
	return out
}

// spoilt changes the checksum at the end of a gzip stream.
func spoilt(data []byte) string {
	data[len(data)-6] ^= 1
	return string(data)
}
