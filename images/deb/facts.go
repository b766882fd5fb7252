package deb

import (
	"io/fs"

	"wheelwright/images/layer"
)

// fact is one thing that a package's maintainer script makes when it is
// configured and that a base needs. It holds as long as the script still
// speaks of it.
type fact struct {
	by     string      // package
	path   string      // what is made: a folder, a link, a copy of from, else a file that holds text
	mode   fs.FileMode // of a folder or file
	gid    int
	link   string // target of a symbolic link
	from   string // the package's template
	text   string
	first  bool   // in the place of a folder that the package itself has
	says   string // what the script says of it; empty: path
	unless string // what it must not say
}

const folder = fs.ModeDir | 0o755

// facts are told by the maintainer scripts of bookworm and trixie.
var facts = []fact{
	{by: "base-files", path: "var/run", link: "/run", first: true},
	{by: "base-files", path: "var/lock", link: "/run/lock", first: true},
	{by: "base-files", path: "mnt", mode: folder},
	{by: "base-files", path: "srv", mode: folder},
	{by: "base-files", path: "opt", mode: folder},
	{by: "base-files", path: "etc/opt", mode: folder},
	{by: "base-files", path: "var/opt", mode: folder},
	{by: "base-files", path: "media", mode: folder},
	{by: "base-files", path: "var/mail", mode: fs.ModeDir | fs.ModeSetgid | 0o775, gid: 8},
	{by: "base-files", path: "var/spool/mail", link: "../mail"},
	{by: "base-files", path: "run/lock", mode: fs.ModeDir | fs.ModeSticky | 0o777},
	{by: "base-files", path: "usr/local", mode: folder},
	{by: "base-files", path: "usr/local/bin", mode: folder},
	{by: "base-files", path: "usr/local/etc", mode: folder},
	{by: "base-files", path: "usr/local/games", mode: folder},
	{by: "base-files", path: "usr/local/include", mode: folder},
	{by: "base-files", path: "usr/local/lib", mode: folder},
	{by: "base-files", path: "usr/local/libexec", mode: folder},
	{by: "base-files", path: "usr/local/sbin", mode: folder},
	{by: "base-files", path: "usr/local/share", mode: folder},
	{by: "base-files", path: "usr/local/share/man", mode: folder},
	{by: "base-files", path: "usr/local/src", mode: folder},
	{by: "base-files", path: "usr/local/man", link: "share/man"},
	{by: "base-files", path: "var/log/wtmp", mode: 0o664, gid: 43},
	{by: "base-files", path: "var/log/btmp", mode: 0o660, gid: 43},
	{by: "base-files", path: "var/log/lastlog", mode: 0o664, gid: 43},
	{by: "base-files", path: "etc/dpkg/origins/default", link: "debian"},
	{by: "base-files", path: "etc/profile", from: "usr/share/base-files/profile"},
	{by: "base-files", path: "etc/motd", from: "usr/share/base-files/motd"},
	{by: "base-files", path: "root/.profile", from: "usr/share/base-files/dot.profile"},
	{by: "base-files", path: "root/.bashrc", from: "usr/share/base-files/dot.bashrc"},
	{by: "base-passwd", path: "etc/passwd", from: "usr/share/base-passwd/passwd.master"},
	{by: "base-passwd", path: "etc/group", from: "usr/share/base-passwd/group.master"},
	{by: "ca-certificates", path: "usr/local/share/ca-certificates", mode: folder},
	{by: "libc-bin", path: "etc/nsswitch.conf", from: "usr/share/libc-bin/nsswitch.conf"},
	{by: "netbase", path: "etc/networks", mode: 0o644, text: "default\t\t0.0.0.0\nloopback\t127.0.0.0\nlink-local\t169.254.0.0\n\n"},
	{by: "python3.11-minimal", path: "usr/local/lib/python3.11/dist-packages", mode: folder},
	{by: "python3.13-minimal", path: "usr/local/lib/python3.13/dist-packages", mode: folder},
	{by: "readline-common", path: "etc/inputrc", from: "usr/share/readline/inputrc"},
	{by: "tzdata", path: "etc/localtime", link: "/usr/share/zoneinfo/Etc/UTC"},
	{by: "tzdata", path: "etc/timezone", mode: 0o644, text: "Etc/UTC\n", unless: `test -f "$DPKG_ROOT/etc/timezone"`},
}

// holds says whether d's scripts bear the fact out.
func (f fact) holds(d *unpacked) bool {
	says := f.says
	if says == "" {
		says = f.path
	}
	return d.names(says) && (f.unless == "" || !d.names(f.unless))
}

// entry is what the fact makes; that of a copy comes from the template.
func (f fact) entry() layer.Entry {
	switch {
	case f.link != "":
		return layer.Symlink(f.path, f.link)
	case f.mode.IsDir():
		e := layer.Dir(f.path, f.mode)
		e.GID = f.gid
		return e
	}
	e := layer.Literal(f.path, f.mode, []byte(f.text))
	e.GID = f.gid
	return e
}
