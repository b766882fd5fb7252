package deb

import (
	"bytes"
	"io/fs"
	"path"

	"wheelwright/images/layer"
)

// alternatives are the links that maintainer scripts make by
// update-alternatives, where only one choice can be in the set: the generic
// name and what it stands for, both below /usr/bin.
var alternatives = []struct{ name, target string }{
	{"awk", "mawk"}, {"nawk", "mawk"}, {"which", "which.debianutils"},
	{"cc", "gcc"}, {"c++", "g++"}, {"c89", "c89-gcc"}, {"c99", "c99-gcc"},
}

// templates are files that maintainer scripts copy into place.
var templates = []struct{ from, to string }{
	{"usr/share/base-passwd/passwd.master", "etc/passwd"},
	{"usr/share/base-passwd/group.master", "etc/group"},
	{"usr/share/libc-bin/nsswitch.conf", "etc/nsswitch.conf"},
	{"usr/share/base-files/nsswitch.conf", "etc/nsswitch.conf"},
	{"usr/share/base-files/profile", "etc/profile"},
	{"usr/share/base-files/motd", "etc/motd"},
	{"usr/share/base-files/dot.profile", "root/.profile"},
	{"usr/share/base-files/dot.bashrc", "root/.bashrc"},
	{"usr/share/debianutils/shells", "etc/shells"},
}

// folders are made when base-files is configured.
var folders = []struct {
	path string
	mode fs.FileMode
	gid  int
}{
	{"mnt", 0o755, 0}, {"srv", 0o755, 0}, {"opt", 0o755, 0}, {"etc/opt", 0o755, 0}, {"var/opt", 0o755, 0},
	{"media", 0o755, 0}, {"var/mail", fs.ModeSetgid | 0o775, 8}, {"run/lock", fs.ModeSticky | 0o777, 0},
	{"tmp", fs.ModeSticky | 0o777, 0}, {"var/tmp", fs.ModeSticky | 0o777, 0}, {"root", 0o700, 0},
	{"usr/local", 0o755, 0}, {"usr/local/share", 0o755, 0}, {"usr/local/bin", 0o755, 0}, {"usr/local/lib", 0o755, 0},
	{"usr/local/include", 0o755, 0}, {"usr/local/sbin", 0o755, 0}, {"usr/local/src", 0o755, 0}, {"usr/local/etc", 0o755, 0},
}

// finish does what maintainer scripts would do and a base needs.
func (t *Tree) finish() error {
	for _, d := range t.debs {
		t.status(d)
		if d.Name == "base-files" {
			t.configureBaseFiles(d)
		}
	}
	for _, a := range alternatives {
		if n := t.nodes["usr/bin/"+a.target]; n != nil && t.nodes["usr/bin/"+a.name] == nil {
			t.put(n.owner, layer.Symlink("etc/alternatives/"+a.name, "/usr/bin/"+a.target))
			t.put(n.owner, layer.Symlink("usr/bin/"+a.name, "/etc/alternatives/"+a.name))
		}
	}
	for _, c := range templates {
		n := t.nodes[c.from]
		if n == nil || !n.Mode.IsRegular() || n.Hard || t.nodes[c.to] != nil {
			continue
		}
		e := n.Entry
		e.Path = c.to
		t.put(n.owner, e)
	}
	if n := t.nodes["usr/share/zoneinfo/Etc/UTC"]; n != nil {
		t.put(n.owner, layer.Symlink("etc/localtime", "/usr/share/zoneinfo/Etc/UTC"))
		t.put(n.owner, layer.Literal("etc/timezone", 0o644, []byte("Etc/UTC\n")))
	}
	return t.certificates()
}

// configureBaseFiles makes the folders and links of a configured base-files.
func (t *Tree) configureBaseFiles(d *unpacked) {
	for _, f := range folders {
		e := layer.Dir(f.path, f.mode)
		e.GID = f.gid
		t.put(d, e)
	}
	t.put(d, layer.Symlink("var/spool/mail", "../mail"))
	t.put(d, layer.Symlink("etc/dpkg/origins/default", "debian"))
}

// status writes what package scanners read where there is no dpkg database.
func (t *Tree) status(d *unpacked) {
	text := append(bytes.TrimRight(bytes.Clone(d.control), "\n"), '\n')
	const dir = "var/lib/dpkg/status.d/"
	t.put(d, layer.Literal(dir+d.Name, 0o644, text))
	if len(d.md5sums) > 0 {
		t.put(d, layer.Literal(dir+d.Name+".md5sums", 0o644, d.md5sums))
	}
}

// put adds an entry on behalf of d if its path is free.
func (t *Tree) put(d *unpacked, e layer.Entry) {
	if t.nodes[e.Path] != nil {
		return
	}
	for dir := path.Dir(e.Path); dir != "." && t.nodes[dir] == nil; dir = path.Dir(dir) {
		t.nodes[dir] = &node{layer.Dir(dir, 0o755), d}
	}
	t.nodes[e.Path] = &node{e, d}
}
