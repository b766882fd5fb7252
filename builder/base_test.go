package builder

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"wheelwright/solver/lock"
)

// profiled is a builder of a profile with an image as given.
func profiled(t *testing.T, image string) *Builder {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "p.yaml")
	if err := os.WriteFile(file, []byte("name: p\npython: \"3.11\"\nrequires: [a]\nimage: "+image+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "key.asc"), []byte("key"), 0o644); err != nil {
		t.Fatal(err)
	}
	b, err := New(Options{Profile: file, CacheDir: t.TempDir(), Env: func(string) string { return "" }, LockPath: filepath.Join(dir, "pylock.p.toml")})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A lock's base stands for what the profile asks for, or it is said why not.
func TestBaseOf(t *testing.T) {
	deb := []lock.Deb{{Name: "libc6"}}
	digest := "@sha256:" + strings.Repeat("1", 64)
	other := "@sha256:" + strings.Repeat("2", 64)
	apt := "{base: 'debian:12', apt: [{url: 'https://u:hunter2@apt.index.test/x', suite: ./, key: key.asc}]}"
	for name, c := range map[string]struct {
		image string
		base  *lock.Base
		why   string // "": it stands
	}{
		"debian":            {"{base: 'debian:12'}", &lock.Base{Name: "debian:12", Debs: deb}, ""},
		"without packages":  {"{base: 'debian:12'}", &lock.Base{Name: "debian:12"}, "names no package"},
		"another release":   {"{base: 'debian:13'}", &lock.Base{Name: "debian:12", Debs: deb}, "image.base is debian:13, the base was resolved for debian:12"},
		"packages":          {"{packages: [make, gcc]}", &lock.Base{Name: "debian:12", Debs: deb, Packages: []string{"gcc", "make"}}, ""},
		"one package more":  {"{packages: [make, gcc]}", &lock.Base{Name: "debian:12", Debs: deb, Packages: []string{"gcc"}}, "image.packages is gcc, make, the base was resolved for gcc"},
		"one package less":  {"{}", &lock.Base{Name: "debian:12", Debs: deb, Packages: []string{"gcc"}}, "image.packages is none"},
		"archive":           {apt, &lock.Base{Name: "debian:12", Debs: deb, Apt: []string{"https://apt.index.test/x ./"}}, ""},
		"another archive":   {apt, &lock.Base{Name: "debian:12", Debs: deb}, "image.apt is https://apt.index.test/x ./, the"},
		"tag":               {"{base: 'reg.index.test/a:1'}", &lock.Base{Name: "reg.index.test/a:1" + digest}, ""},
		"another tag":       {"{base: 'reg.index.test/a:2'}", &lock.Base{Name: "reg.index.test/a:1" + digest}, "image.base is reg"},
		"own digest":        {"{base: 'reg.index.test/a" + digest + "'}", &lock.Base{Name: "reg.index.test/a" + other, Ref: "reg.index.test/a" + digest}, ""},
		"another digest":    {"{base: 'reg.index.test/a" + digest + "'}", &lock.Base{Name: "reg.index.test/a" + other, Ref: "reg.index.test/a" + other}, "image.base is reg"},
		"folder":            {"{base: 'oci:x'}", &lock.Base{Name: "oci" + digest}, ""},
		"folder after that": {"{base: 'oci:x'}", &lock.Base{Name: "debian:12", Debs: deb}, "image.base is oci:"},
		"image after that":  {"{base: 'reg.index.test/a:1'}", &lock.Base{Name: "oci" + digest}, "image.base is reg"},
		"none":              {"{base: scratch}", nil, ""},
	} {
		b := profiled(t, c.image)
		l := &lock.Lock{Base: c.base, Target: lock.Target{Machine: "x86_64"}}
		have, why := b.baseOf(l)
		if !strings.Contains(why, c.why) || (why == "") != (c.why == "") || (have != nil) != (c.why == "" && c.base != nil) {
			t.Errorf("%s: %v, %q", name, have, why)
		}
		if strings.Contains(why, "hunter2") {
			t.Errorf("%s: a password is told: %s", name, why)
		}
		l.Target.Machine = "aarch64"
		if have, _ = b.baseOf(l); have != nil {
			t.Errorf("%s: the base of another machine stands", name)
		}
	}
}

// A lock that is written anew loses no base, but that of another machine.
func TestKeptBase(t *testing.T) {
	is := &lock.Base{Name: "debian:12", Debs: []lock.Deb{{Name: "libc6"}}}
	b := profiled(t, "{}")
	told := ""
	b.Report = func(e Event) { told += e.Text }
	if b.keptBase(&lock.Lock{Image: &lock.Image{}}) != nil || !strings.Contains(told, "earlier release") {
		t.Errorf("of the lock of an earlier release is told %q", told)
	}
	for _, image := range []string{"{base: 'debian:12'}", "{packages: [make]}", "{base: scratch}"} {
		b := profiled(t, image)
		if b.keptBase(&lock.Lock{Base: is, Target: lock.Target{Machine: "x86_64"}}) != is {
			t.Errorf("%s: the base is lost", image)
		}
		if b.keptBase(&lock.Lock{Base: is, Target: lock.Target{Machine: "aarch64"}}) != nil {
			t.Errorf("%s: the base of another machine stays", image)
		}
	}
}

// What a lock's base needs is kept in the cache and looked for in the folder.
func TestFilesOfABase(t *testing.T) {
	sum := func(c string) string { return strings.Repeat(c, 64) }
	l := lock.Lock{Base: &lock.Base{Blobs: []lock.Blob{{SHA256: sum("1"), Size: 1}}, Debs: []lock.Deb{{Name: "libc6", SHA256: sum("2"), Size: 2, Path: "pool/main/libc6_2_amd64.deb"}}}}
	if got := sums(l); !slices.Equal(got, []string{sum("1"), sum("2")}) {
		t.Errorf("kept are %v", got)
	}
	var names []string
	for _, a := range baseArtifacts(l.Base) {
		names = append(names, a.String())
	}
	if !slices.Equal(names, []string{"blob sha256-" + sum("1"), "deb libc6_2_amd64.deb"}) {
		t.Errorf("files are %v", names)
	}
	if sums(lock.Lock{}) != nil {
		t.Error("a lock without a base names files of one")
	}
}
