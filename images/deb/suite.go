package deb

import (
	"cmp"
	"context"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"wheelwright/fault"
)

// suite is one part of an archive: what has one Release.
type suite struct {
	mirror     string   // address without a trailing slash, perhaps with credentials
	name       string   // below dists/; with a slash at its end a flat repository's folder
	components []string // none in a flat repository
	archive    string   // Package.Archive of what it has
	arch       string   // packages for others are passed over; empty: none are
	keys       keyring
	foreign    bool // not Debian's own
}

// suitesOf are the suites of a release of Debian and what image.apt adds to
// them, in the order in which they count for packages of one version.
func suitesOf(o Options, codename, arch string) (suites []suite, notes []string, err error) {
	keys, note, err := o.trusted(codename)
	if err != nil {
		return nil, nil, err
	}
	if note != "" {
		notes = append(notes, note)
	}
	for _, s := range []struct{ archive, name string }{
		{archiveDebian, codename}, {archiveDebian, codename + "-updates"}, {archiveSecurity, codename + "-security"},
	} {
		suites = append(suites, suite{mirror: o.mirror(s.archive), name: s.name, components: []string{"main"}, archive: s.archive, keys: keys})
	}
	for _, a := range o.Apt {
		s, err := a.suite(arch)
		if err != nil {
			return nil, nil, err
		}
		suites = append(suites, s)
	}
	return suites, notes, nil
}

// folder is the address of the folder that the suite's Release lies in.
func (s suite) folder() string {
	if s.flat() {
		return strings.TrimSuffix(s.mirror+"/"+strings.Trim(path.Clean("/"+s.name), "/"), "/")
	}
	return s.mirror + "/dists/" + s.name
}

func (s suite) flat() bool { return strings.HasSuffix(s.name, "/") }

// indexes are the paths of the suite's indexes of packages for a machine.
func (s suite) indexes(r *release, arch string) ([]string, error) {
	if s.flat() {
		return []string{"Packages"}, nil
	}
	var out []string
	for _, c := range s.components {
		had := len(out)
		for _, a := range []string{arch, "all"} {
			p := c + "/binary-" + a + "/Packages"
			if a == "all" && !r.AllApart || s.foreign && !r.lists(p) {
				continue
			}
			out = append(out, p)
		}
		if len(out) == had {
			return nil, fault.New(fault.Input, "image.apt %s %s: nothing for %s in component %s", redact(s.mirror), s.name, arch, c).
				Because("its Release lists no index of packages").Try("correct suite or components in image.apt")
		}
	}
	return out, nil
}

// offer is what the suites of a base have together.
type offer struct {
	*universe
	release string   // Version of the first suite's Release
	at      string   // newest Date of Debian's own Releases, RFC 3339
	notes   []string // for the user
}

// read gets the indexes of the suites side by side and joins them in order.
func (f *fetcher) read(ctx context.Context, suites []suite, arch string) (*offer, error) {
	texts := make([][][]byte, len(suites))
	releases := make([]*release, len(suites))
	notes := make([]string, len(suites))
	group, gctx := errgroup.WithContext(ctx)
	for i, s := range suites {
		group.Go(func() (err error) {
			if releases[i], notes[i], err = f.release(gctx, s); err != nil {
				return err
			}
			paths, err := s.indexes(releases[i], arch)
			if err != nil {
				return err
			}
			for _, p := range paths {
				text, err := f.index(gctx, releases[i], s.folder(), p)
				if err != nil {
					return err
				}
				texts[i] = append(texts[i], text)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	out := &offer{universe: &universe{packages: map[string]*candidate{}}, release: releases[0].Version}
	for i, s := range suites {
		for _, text := range texts[i] {
			if err := out.add(text, s); err != nil {
				return nil, fault.New(fault.Integrity, "debian suite %s", redact(s.folder())).Wrap(err)
			}
		}
	}
	if err := out.finish(); err != nil {
		return nil, fault.New(fault.Integrity, "debian indexes of %s", suites[0].name).Wrap(err)
	}
	out.at = newest(suites, releases)
	out.notes = slices.DeleteFunc(notes, func(n string) bool { return n == "" })
	return out, nil
}

// newest is when the newest of Debian's own Releases was made; the snapshot
// archive has no others.
func newest(suites []suite, releases []*release) string {
	var at time.Time
	for i, r := range releases {
		if !suites[i].foreign && r.Date.After(at) {
			at = r.Date
		}
	}
	if at.IsZero() {
		return ""
	}
	return at.Format(time.RFC3339)
}

// admit checks that a verified Release is the one of the suite.
func (s suite) admit(r *release) error {
	where := redact(s.folder())
	switch {
	case s.flat():
	case !s.foreign && r.Codename != s.name:
		return fault.New(fault.Integrity, "debian suite %s", where).Because("its Release says codename %q", r.Codename).
			Try("%s", s.another(": this one has another suite in its place"))
	case s.foreign && cmp.Or(r.Codename, r.Suite) != "" && s.name != r.Codename && s.name != r.Suite:
		return fault.New(fault.Integrity, "debian suite %s", where).Because("its Release says suite %q, codename %q", r.Suite, r.Codename).
			Try("write one of them as suite in image.apt")
	}
	if !s.foreign && r.Date.IsZero() {
		return fault.New(fault.Integrity, "debian suite %s", where).Because("its Release has no Date").Try("%s", s.another(""))
	}
	return nil
}
