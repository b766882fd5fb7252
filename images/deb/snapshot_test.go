package deb

import (
	"slices"
	"strings"
	"testing"
)

func TestSources(t *testing.T) {
	archive, security := defaultMirrors()
	company := Source{URL: "https://wendy:hunter2@apt.test/deb/", Suite: "./"}
	env := func(name string) string {
		return map[string]string{MirrorVariable: "https://mirror.test/debian/", SnapshotVariable: "https://snap.test"}[name]
	}
	none := Options{}
	const at = "2026-07-11T10:16:37Z"
	for _, c := range []struct {
		name string
		o    Options
		p    Package
		at   string
		want []string
	}{
		{"debian", none, Package{Archive: archiveDebian, Path: "pool/main/x/x_1+b1~2_all.deb"}, at, []string{
			archive + "/pool/main/x/x_1+b1~2_all.deb",
			none.snapshot() + "/archive/debian/20260712T101637Z/pool/main/x/x_1+b1~2_all.deb",
			none.snapshot() + "/archive/debian/20260711T101637Z/pool/main/x/x_1+b1~2_all.deb"}},
		{"security, variables", Options{Env: env}, Package{Archive: archiveSecurity, Path: "pool/x.deb"}, at, []string{
			security + "/pool/x.deb", "https://snap.test/archive/debian-security/20260712T101637Z/pool/x.deb", "https://snap.test/archive/debian-security/20260711T101637Z/pool/x.deb"}},
		{"variables", Options{Env: env}, Package{Archive: archiveDebian, Path: "pool/x.deb"}, "", []string{"https://mirror.test/debian/pool/x.deb"}},
		{"no such time", none, Package{Archive: archiveDebian, Path: "pool/x.deb"}, "yesterday", []string{archive + "/pool/x.deb"}},
		{"image.apt", Options{Apt: []Source{company}}, Package{Archive: "https://apt.test/deb", Path: "a b/x%3a1.deb"}, at, []string{"https://wendy:hunter2@apt.test/deb/a%20b/x%253a1.deb"}},
		{"image.apt of another profile", none, Package{Archive: "https://apt.test/deb", Path: "x.deb"}, at, []string{"https://apt.test/deb/x.deb"}},
		{"not an archive", none, Package{Archive: "file:///etc", Path: "passwd"}, at, nil},
		{"none", none, Package{Path: "x.deb"}, at, nil},
	} {
		if got := c.o.Sources(c.p, c.at); !slices.Equal(got, c.want) {
			t.Errorf("%s: %s\nwant %s", c.name, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
}
