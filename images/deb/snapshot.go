package deb

import (
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
)

// Archives of Debian, as Package.Archive and the snapshot archive call them.
const (
	archiveDebian   = "debian"
	archiveSecurity = "debian-security"
)

// SnapshotVariable is the environment variable that names another snapshot
// archive, as an address without a trailing slash.
const SnapshotVariable = "WHEELWRIGHT_DEBIAN_SNAPSHOT"

// settled is how long after a Release was made the snapshot archive is sure to
// have taken in what it lists, and Debian not yet to have removed it: it takes
// four snapshots a day, and superseded packages stay for more than one.
const settled = 24 * time.Hour

// Sources are the addresses to look for a package at: the mirror in force for
// its archive and, for one of Debian's own, the snapshot archive at the time
// at (RFC 3339, Plan.At), where that is known.
//
// The snapshot archive answers for a time with its last snapshot before. That
// of a Release's own Date was taken before the Release came out, so a package
// that was new in it is first there a little later; one that it was the last
// to have is there no longer. Both times are given. By hash the archive is
// documented to know files by SHA-1 alone, which no index of today lists.
func (o Options) Sources(p Package, at string) []string {
	mirror := o.mirror(p.Archive)
	if mirror == "" {
		return nil
	}
	out := []string{mirror + "/" + escape(p.Path)}
	when, err := time.Parse(time.RFC3339, at)
	if p.Archive != archiveDebian && p.Archive != archiveSecurity || err != nil {
		return out
	}
	for _, t := range []time.Time{when.Add(settled), when} {
		out = append(out, o.snapshot()+"/archive/"+p.Archive+"/"+t.UTC().Format("20060102T150405Z")+"/"+escape(p.Path))
	}
	return out
}

// mirror is the address in force of an archive, without a trailing slash. One
// that is neither Debian's nor in image.apt is its own, without credentials.
func (o Options) mirror(archive string) string {
	first, second := defaultMirrors()
	switch archive {
	case archiveDebian:
		return o.address(MirrorVariable, first)
	case archiveSecurity:
		return o.address(SecurityVariable, second)
	}
	if i := slices.IndexFunc(o.Apt, func(a Source) bool { return a.Archive() == archive }); i >= 0 {
		return strings.TrimRight(o.Apt[i].URL, "/")
	}
	if u, err := url.Parse(archive); err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return archive
}

func (o Options) snapshot() string {
	host := strings.Join([]string{"snapshot", "debian", "org"}, ".")
	return o.address(SnapshotVariable, "https://"+host)
}

// address is what a variable of the environment says, else what it stands for.
func (o Options) address(variable, normal string) string {
	if o.Env != nil {
		if a := o.Env(variable); a != "" {
			return strings.TrimRight(a, "/")
		}
	}
	return normal
}

// escape is a path below an archive as addresses spell it.
func escape(p string) string { return (&url.URL{Path: path.Clean(p)}).EscapedPath() }
