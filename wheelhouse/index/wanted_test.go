package index

import (
	"slices"
	"strings"
	"testing"
	"time"

	"wheelwright/solver"
	"wheelwright/solver/tag"
)

var (
	cp311 = tag.Target{Python: tag.Python{Major: 3, Minor: 11}, Machine: "x86_64", Glibc: [2]int{2, 28}}
	cp312 = tag.Target{Python: tag.Python{Major: 3, Minor: 12}, Machine: "x86_64", Glibc: [2]int{2, 28}}
)

func TestWanted(t *testing.T) {
	const linux311, linux312, win311 = "-cp311-cp311-manylinux_2_17_x86_64.whl", "-cp312-cp312-manylinux_2_17_x86_64.whl", "-cp311-cp311-win_amd64.whl"
	page := []string{
		"d-1.0.tar.gz", "d-1.0" + linux311, "d-1.0" + linux312, "d-1.0" + win311, // both targets have a wheel
		"d-2.0.tar.gz", "d-2.0" + linux311, "d-2.0" + win311, // one has
		"d-3.0-cp36-cp36m-win_amd64.whl", "d-3.0-cp37-cp37m-win_amd64.whl", "d-3.0-cp38-cp38-win_amd64.whl", "d-3.0-cp39-cp39-win_amd64.whl",
		"d-3.0-cp310-cp310-win_amd64.whl", "d-3.0-cp313-cp313-win_amd64.whl", "d-3.0-cp314-cp314-win_amd64.whl", // none has
		"d-4.0.zip", "d-4.0-1-py3-none-any.whl", "d-4.0-weird.whl", "d-4.0.exe", "d-4.1.exe", "d-4.2.exe", "d-4.3.exe",
	}
	var files []solver.File
	for i, n := range page {
		files = append(files, solver.File{Name: n, URL: "https://files.index.test/" + n, Uploaded: time.Unix(int64(i), 1).UTC()})
	}
	for _, c := range []struct {
		targets []tag.Target
		lost    []string
	}{
		{nil, nil},
		{[]tag.Target{cp311}, []string{page[0], page[2], page[3], page[4], page[6], page[11], page[12], page[13], page[14], page[20]}},
		{[]tag.Target{cp311, cp312}, []string{page[0], page[3], page[11], page[12], page[13], page[14], page[20]}},
	} {
		got, err := listOf(files...).files(newWanted(c.targets))
		if err != nil {
			t.Fatal(err)
		}
		want := slices.DeleteFunc(slices.Clone(files), func(f solver.File) bool { return slices.Contains(c.lost, f.Name) })
		if !slices.Equal(got, want) {
			t.Errorf("%d targets: got %d files, want %d:\n%+v", len(c.targets), len(got), len(want), got)
		}
	}
}

// What a client is told to leave out changes no answer to a lock.
func TestLocateLooksAtEveryFile(t *testing.T) {
	s := newServer(t)
	const other = "demo-1.0-cp311-cp311-win_amd64.whl"
	s.on("/simple/demo/", body(jsonType, `{"files":[{"filename":"demo-1.0-py3-none-any.whl","url":"a.whl","hashes":{"sha256":"`+strings.Repeat("b", 64)+`"}},
	 {"filename":"`+other+`","url":"w.whl","hashes":{"sha256":"`+sumA+`"}}]}`))
	c := newClientWith(t, ClientOptions{CacheDir: t.TempDir(), Targets: []tag.Target{cp311}}, s.simple())
	if p := mustPage(t, c, "demo"); len(p.Files) != 1 {
		t.Errorf("%+v", p.Files)
	}
	got, err := c.Locate(ctx, "demo", other, sumA)
	if err != nil || len(got) != 1 || got[0] != s.URL+"/simple/demo/w.whl" {
		t.Errorf("%q, %v", got, err)
	}
}
