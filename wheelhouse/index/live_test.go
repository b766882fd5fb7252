//go:build live

package index

import (
	"context"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"wheelwright/solver"
	"wheelwright/solver/pep508"
)

// liveClient asks the real default index.
func liveClient(t *testing.T, dir string, offline bool) *Client {
	t.Helper()
	address, _ := WellKnown(DefaultName)
	o := ClientOptions{CacheDir: dir, Offline: offline, Log: func(s string) { t.Log(s) }}
	if os.Getenv("WHEELWRIGHT_TEST_TRACE") != "" {
		o.Trace = os.Stderr
	}
	c, err := New(Settings{Sources: []Source{{Name: DefaultName, URL: address}}}, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// newest is the last wheel of a page whose name has part in it.
func newest(t *testing.T, f solver.Fact, part string) solver.File {
	t.Helper()
	if f.Page == nil {
		t.Fatalf("no page: %s", f.Missing)
	}
	for i := len(f.Page.Files) - 1; i >= 0; i-- {
		if n := f.Page.Files[i].Name; strings.HasSuffix(n, ".whl") && strings.Contains(n, part) {
			return f.Page.Files[i]
		}
	}
	t.Fatalf("no wheel with %s", part)
	return solver.File{}
}

func TestLiveIndex(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	c := liveClient(t, dir, false)
	var asked []solver.File
	for name, part := range map[pep508.Name]string{"torch": "cp311-cp311-manylinux_2_28_x86_64", "trl": "py3", "unsloth": "py3", "torchao": "", "peft": "py3", "numpy": "cp311-cp311-manylinux"} {
		f, err := c.Page(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		w := newest(t, f, part)
		asked = append(asked, w)
		start := time.Now()
		m, err := c.Metadata(ctx, name, w)
		if err != nil {
			t.Fatal(err)
		}
		if m.Metadata == nil || pep508.Normalize(m.Metadata.Name) != name {
			t.Fatalf("%s: %+v", w.Name, m)
		}
		t.Logf("%s %s: %d requirements, %v", w.Name, m.Metadata.Version, len(m.Metadata.RequiresDist), time.Since(start))
	}
	if f, err := c.Page(ctx, "no-such-project-of-wheelwright"); err != nil || f.Missing == "" {
		t.Errorf("an unknown project: %+v, %v", f, err)
	}
	body, start, total, err := c.Open(ctx, asked[0].URL, 1000)
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, io.LimitReader(body, 1<<20))
	body.Close()
	if err != nil || start != 1000 || total != asked[0].Size || n == 0 {
		t.Errorf("open: start %d total %d read %d: %v", start, total, n, err)
	}
	t.Logf("%+v", c.Stats())

	again := liveClient(t, dir, true)
	for _, w := range asked {
		name := pep508.Normalize(w.Name[:strings.IndexByte(w.Name, '-')])
		if _, err := again.Page(ctx, name); err != nil {
			t.Error(err)
		}
		if m, err := again.Metadata(ctx, name, w); err != nil || m.Metadata == nil {
			t.Errorf("offline %s: %+v %v", w.Name, m, err)
		}
	}
	if s := again.Stats(); s.Requests != 0 {
		t.Errorf("offline sent %d requests", s.Requests)
	}
}
