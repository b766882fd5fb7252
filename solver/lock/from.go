package lock

import (
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"wheelwright/solver"
	"wheelwright/solver/pep508"
)

// Meta is what a lock says besides the solution.
type Meta struct {
	Profile       string            // name of the profile
	ProfileDigest string            // "sha256:…" of the merged profile
	Target        Target            // as the profile writes it
	ExcludeNewer  time.Time         // files uploaded then or later were no choice; zero: no limit
	Indexes       map[string]string // name of an index -> its URL; a name that is absent writes no index key
	Dir           string            // absolute folder of the lock file: local wheels are written relative to it; empty: as they are
	Matrix        []string          // ids of the matrix records that applied
	Waivers       []Waiver
}

// From makes the lock of a solution: one wheel for each package, addresses
// without credentials (user, query and fragment are dropped), upload times in
// UTC cut to the second. The result is as good as its input: Check says
// whether a file lacks its sha256 or its address.
func From(s solver.Solution, m Meta) Lock {
	l := Lock{
		CreatedBy:      Creator,
		RequiresPython: pythonRange(m.Target.Python),
		Environments:   environments(m.Target),
		Profile:        m.Profile,
		ProfileDigest:  m.ProfileDigest,
		Target:         m.Target,
		ExcludeNewer:   m.ExcludeNewer,
		Matrix:         slices.Compact(slices.Sorted(slices.Values(m.Matrix))),
		Waivers:        slices.SortedStableFunc(slices.Values(m.Waivers), compareWaivers),
	}
	for _, p := range s.Packages {
		l.Packages = append(l.Packages, locked(p, m))
		if p.Build.CUDA != "" {
			if l.Builds == nil {
				l.Builds = map[pep508.Name]string{}
			}
			l.Builds[p.Name] = p.Build.CUDA
		}
	}
	l.Packages = sortedPackages(l.Packages)
	return l
}

func locked(p solver.Package, m Meta) Package {
	w := Wheel{Name: p.File.Name, SHA256: strings.ToLower(p.File.SHA256), Size: p.File.Size}
	if !p.File.Uploaded.IsZero() {
		w.Uploaded = p.File.Uploaded.UTC().Truncate(time.Second)
	}
	address := p.File.URL
	if address == "" {
		address = p.Direct
	}
	w.URL, w.Path = place(address, m.Dir)
	out := Package{
		Name:           p.Name,
		Version:        p.Version.String(),
		RequiresPython: specifiers(p.Metadata.RequiresPython),
		Direct:         p.Direct != "",
		Wheels:         []Wheel{w},
		Dependencies:   slices.Compact(slices.Sorted(slices.Values(p.Requires))),
	}
	if !out.Direct {
		out.Index, _ = place(m.Indexes[p.Index], "")
	}
	return out
}

// specifiers is the canonical form of a wheel's Requires-Python. Text that is
// no PEP 440 is left out: other installers would refuse the whole lock.
func specifiers(text string) string {
	s, err := canonicalSpecifiers(text)
	if err != nil {
		return ""
	}
	return s
}

// pythonRange is requires-python for a profile's python: "3.11" is ==3.11.*,
// as uv writes it; "3.11.4" holds from there to the end of 3.11.
func pythonRange(python string) string {
	parts := strings.Split(python, ".")
	if len(parts) < 2 {
		return ""
	}
	minor, err := strconv.Atoi(parts[1])
	if err != nil {
		return ""
	}
	if len(parts) == 2 || parts[2] == "0" {
		return "==" + parts[0] + "." + parts[1] + ".*"
	}
	return "<" + parts[0] + "." + strconv.Itoa(minor+1) + ",>=" + python
}

// environments is the one marker under which a lock of target holds, its
// variables in alphabetical order as uv writes them.
func environments(t Target) []string {
	if t.Machine == "" {
		return nil
	}
	return []string{"implementation_name == 'cpython' and platform_machine == '" + t.Machine + "' and sys_platform == 'linux'"}
}

// place turns an address into url or path of PEP 751. A local file becomes a
// path relative to dir, with slashes; any other address keeps scheme, host
// and path and nothing that could hold a credential. An address that is none
// gives neither.
func place(address, dir string) (link, local string) {
	if !hasScheme.MatchString(address) {
		// a bare path may hold "?", "#" or "%": only a URL has a query or escapes
		if !strings.Contains(address, "//") {
			local = address
		}
	} else {
		u, err := url.Parse(address)
		if err != nil {
			return "", ""
		}
		switch u.Scheme {
		case "http", "https":
			if u.Host == "" {
				return "", ""
			}
			return withoutSecrets(u), ""
		case "file":
			local = u.Path
		}
	}
	if dir != "" && path.IsAbs(local) {
		if rel, err := filepath.Rel(dir, local); err == nil {
			local = rel
		}
	}
	return "", filepath.ToSlash(local)
}

var hasScheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:`)

func withoutSecrets(u *url.URL) string {
	clean := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
	return clean.String()
}
