//go:build live

package deb

import (
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// aptRoot is a folder in which apt-get knows the suites of a release and has
// nothing installed.
func aptRoot(t *testing.T, codename string) []string {
	t.Helper()
	apt, err := exec.LookPath("apt-get")
	if err != nil {
		t.Skip("no apt-get here")
	}
	dir := t.TempDir()
	archive, security := defaultMirrors()
	list := "deb [trusted=yes] " + archive + " " + codename + " main\n" + "deb [trusted=yes] " + archive + " " + codename + "-updates main\n" +
		"deb [trusted=yes] " + security + " " + codename + "-security main\n"
	for p, text := range map[string]string{"etc/apt/sources.list": list, "var/lib/dpkg/status": "", "var/lib/apt/lists/partial/x": "", "var/cache/apt/archives/partial/x": "", "etc/apt/apt.conf.d/x": "", "etc/apt/preferences.d/x": ""} {
		os.MkdirAll(filepath.Dir(filepath.Join(dir, p)), 0o755)
		if err := os.WriteFile(filepath.Join(dir, p), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{apt, "-o", "Dir=" + dir, "-o", "Dir::State::status=" + filepath.Join(dir, "var/lib/dpkg/status"), "-o", "APT::Architecture=amd64",
		"-o", "APT::Architectures=amd64", "-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User=root"}
	if out, err := exec.Command(args[0], append(args[1:], "update")...).CombinedOutput(); err != nil {
		t.Fatalf("apt-get update: %v\n%s", err, out)
	}
	return args
}

// aptSet is what apt-get would install; nil: it refuses.
func aptSet(apt, packages []string) (set []string, said string) {
	args := append(append([]string(nil), apt...), "install", "-s", "-y", "--no-install-recommends")
	out, err := exec.Command(args[0], append(args[1:], packages...)...).CombinedOutput()
	if err != nil {
		return nil, string(out)
	}
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "Inst" {
			set = append(set, f[1])
		}
	}
	slices.Sort(set)
	return set, string(out)
}

// TestLiveAsApt compares the closure with apt-get's, in an empty dpkg root, for
// what images ask for and for random lists of packages of the real indexes. A
// difference is told; it fails where one finds a set and the other none, or
// where ours often has what apt-get's has not.
func TestLiveAsApt(t *testing.T) {
	for _, base := range []string{"debian:12", "debian:13"} {
		t.Run(base, func(t *testing.T) {
			o := Options{Base: base, Machine: "x86_64", CacheDir: liveCache(t)}
			codename, _ := o.codename()
			suites, _, err := suitesOf(o, codename, "amd64")
			if err != nil {
				t.Fatal(err)
			}
			f, err := newFetcher(o)
			if err != nil {
				t.Fatal(err)
			}
			has, err := f.read(context.Background(), suites, "amd64")
			if err != nil {
				t.Fatal(err)
			}
			apt := aptRoot(t, codename)
			var names []string
			for n := range has.universe.packages {
				names = append(names, n)
			}
			slices.Sort(names)
			lists := [][]string{
				slices.Concat(baseRoots, pythonRoots), {"gcc", "libc6-dev", "python3-dev"}, {"git", "curl", "openssh-client"}, {"build-essential"},
				{"ffmpeg", "libsndfile1"}, {"libgl1", "libegl1"}, {"postgresql"}, {"default-jre-headless"}, {"mailutils"}, {"systemd", "dbus"},
			}
			r := rand.New(rand.NewPCG(12, 13))
			for range 30 {
				var list []string
				for range 1 + r.IntN(4) {
					list = append(list, names[r.IntN(len(names))])
				}
				lists = append(lists, list)
			}
			same, refused, fewer, differ := 0, 0, 0, 0
			for _, list := range lists {
				want, said := aptSet(apt, list)
				set, err := closeOver(has.universe, "amd64", nil, []stage{{layerBase, list}})
				switch {
				case err != nil && want == nil:
					refused++
				case err != nil:
					t.Errorf("%v: apt-get finds %d packages, the closure %v", list, len(want), err)
				case want == nil:
					t.Errorf("%v: the closure finds %d packages, apt-get none: %s", list, len(set.names()), said)
				case slices.Equal(want, set.names()):
					same++
				default:
					more, less := minus(set.names(), want), minus(want, set.names())
					if len(more) == 0 {
						// apt-get keeps what it took for a clause that another package
						// answers in the end: "sysvinit-utils (>= 3.05-4~) | lsb-base".
						fewer++
						t.Logf("%v: of %d packages ours does without %v", list, len(want), less)
						continue
					}
					differ++
					t.Logf("%v: of %d packages ours has besides %v, apt-get's %v", list, len(want), more, less)
					for _, c := range set.choices {
						if slices.Contains(more, c.Took) {
							t.Logf("    %s needs %s: %s", c.By, c.Want, c.Took)
						}
					}
				}
			}
			t.Logf("%d lists: %d the same, %d refused by both, of %d ours is part of apt-get's, %d differ", len(lists), same, refused, fewer, differ)
			if differ > len(lists)/10 {
				t.Errorf("%d of %d sets hold what apt-get's do not", differ, len(lists))
			}
		})
	}
}

func minus(a, b []string) (out []string) {
	for _, s := range a {
		if !slices.Contains(b, s) {
			out = append(out, s)
		}
	}
	return out
}
