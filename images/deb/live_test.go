//go:build live

package deb

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"wheelwright/atomicfile"
	"wheelwright/images/layer"
)

// liveCache keeps what live tests fetch; WHEELWRIGHT_LIVE_CACHE names a
// folder to keep it in between runs.
func liveCache(t *testing.T) string {
	if d := os.Getenv("WHEELWRIGHT_LIVE_CACHE"); d != "" {
		return d
	}
	return t.TempDir()
}

func fetchAll(t *testing.T, p *Plan, dir string) func(string) string {
	t.Helper()
	where := func(sha string) string { return filepath.Join(dir, sha) }
	os.MkdirAll(dir, 0o755)
	var g errgroup.Group
	g.SetLimit(8)
	for _, a := range p.Artifacts() {
		g.Go(func() error {
			if _, err := os.Stat(where(a.SHA256)); err == nil {
				return nil
			}
			res, err := http.Get(a.Sources[0])
			if err != nil {
				return err
			}
			defer res.Body.Close()
			data, err := io.ReadAll(res.Body)
			if err != nil {
				return err
			}
			if hashOf(data) != a.SHA256 {
				t.Errorf("%s: sha256 differs", a.Name)
			}
			return atomicfile.Write(where(a.SHA256), data)
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	return where
}

// TestLiveBase builds the real bases from the mirror, lays them out and runs
// their Python and, with a compiler asked for, their gcc in a chroot.
func TestLiveBase(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("chroot needs root")
	}
	cache := liveCache(t)
	for _, c := range []struct {
		base, machine, python string
		packages              []string
		run                   bool
	}{
		{"debian:12", "x86_64", "3.11", []string{"gcc", "libc6-dev", "python3-dev"}, true},
		{"debian:13", "x86_64", "3.13", []string{"gcc", "libc6-dev", "python3-dev"}, true},
		{"debian:12", "aarch64", "3.11", nil, false},
	} {
		t.Run(c.base+"-"+c.machine, func(t *testing.T) {
			start := time.Now()
			p, err := Resolve(context.Background(), Options{Base: c.base, Packages: c.packages, Machine: c.machine, CacheDir: cache})
			if err != nil {
				t.Fatal(err)
			}
			resolved := time.Since(start)
			if p.Python != c.python {
				t.Errorf("python %s, want %s", p.Python, c.python)
			}
			where := fetchAll(t, p, filepath.Join(cache, "debs"))
			start = time.Now()
			tree, err := p.Unpack(context.Background(), where, t.TempDir(), 2)
			if err != nil {
				t.Fatal(err)
			}
			defer tree.Close()
			unpacked := time.Since(start)
			root := t.TempDir()
			for _, l := range p.Layers() {
				made, err := layer.Write(context.Background(), t.TempDir(), recipe(t, tree.Entries(l.Name)))
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("layer %s: %d packages, %d bytes, %s", l.Name, len(l.Members), made.Size, made.Digest)
				if out, err := exec.Command("tar", "-xpzf", made.Path(), "-C", root).CombinedOutput(); err != nil {
					t.Fatalf("tar: %v\n%s", err, out)
				}
			}
			t.Logf("release %s, %d packages; resolved %v, unpacked %v, all %v", p.Release, len(p.Packages), resolved, unpacked, time.Since(start))
			for _, choice := range p.Choices {
				t.Logf("%s wants %s: %s", choice.By, choice.Want, choice.Took)
			}
			if !c.run {
				return
			}
			os.WriteFile(filepath.Join(root, "dev/null"), nil, 0o666) // all that these ask of /dev
			for _, u := range tree.Report() {
				if u.Left != nil {
					t.Logf("%s %s, scripts not run: %v", u.Package, u.Version, u.Left)
				}
			}
			for _, script := range []string{
				`python3 -c 'import ssl, sqlite3, ctypes, lzma, zlib, bz2, hashlib, uuid, decimal, sys; print(sys.version)'`,
				`python3 -c 'import ssl; n = ssl.create_default_context().cert_store_stats()["x509_ca"]; print(n); assert n > 100'`,
				`python3 -c 'import zoneinfo; print(zoneinfo.ZoneInfo("Europe/Berlin"))'`,
				`python3 -c 'import pwd, socket; print(pwd.getpwnam("nobody"), socket.getservbyname("https"))'`,
				`test -e /usr/lib/python` + c.python + `/EXTERNALLY-MANAGED && awk 'BEGIN { print "awk" }' && which python3 && sh -c 'exit 0'`,
				`for c in /usr/share/ca-certificates/mozilla/*.crt; do openssl verify -no_check_time -CApath /etc/ssl/certs "$c" > /dev/null; done`,
				`getconf GNU_LIBC_VERSION`,
				`python3 -c 'from ctypes.util import find_library as f; l = [f(x) for x in ("c", "gomp", "ssl", "stdc++")]; print(l); assert all(l)'`,
				`LC_ALL=C.UTF-8 python3 -c 'import locale; print(locale.setlocale(locale.LC_ALL, ""))'`,
				`python3 -m venv /tmp/venv && /tmp/venv/bin/pip --version`,
				`ldconfig -p > /tmp/ours && ldconfig && ldconfig -p > /tmp/theirs && python3 -c 'import re
a, b = ([re.sub(r", OS ABI[^)]*", "", x) for x in open(f) if "=>" in x] for f in ("/tmp/ours", "/tmp/theirs"))
print(len(a), "libraries"); assert a == b and a, set(a) ^ set(b)'`,
				`cd /tmp && echo '#include <Python.h>
int main(void) { return 0; }' > a.c && cc -I/usr/include/python` + c.python + ` a.c -o a -lpython` + c.python + ` && ./a && echo compiled`,
			} {
				cmd := exec.Command("chroot", root, "/bin/sh", "-ec", script)
				cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Errorf("%s\n%v\n%s", script, err, out)
				} else {
					t.Log(strings.TrimSpace(string(out)))
				}
			}
		})
	}
}
