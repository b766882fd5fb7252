// Package profiles holds hardware profiles: what to install, for which GPU,
// CUDA, Python and platform, and how the image is made (design.md section 5).
// It reads their YAML, merges what they extend, checks every key and value
// with file and line, ships a set of its own, and holds the tables of GPUs,
// CUDA releases and measured builds that say which profiles cannot exist.
//
// It opens no network connection and reads no file but the profile named and
// the profiles that one extends.
package profiles

import (
	"strconv"
	"strings"

	"wheelwright/solver"
	"wheelwright/solver/tag"
)

// Profile is one merged, checked profile. Values are canonical: requirements
// as pep508 prints them, names normalised, folders absolute.
type Profile struct {
	Name        string            `yaml:"name" json:"name"` // [a-z0-9_-]+, at most 100 characters
	Summary     string            `yaml:"summary,omitempty" json:"summary,omitempty"`
	Python      string            `yaml:"python" json:"python"` // X.Y or X.Y.Z, 3.9 to 3.14
	Platform    Platform          `yaml:"platform" json:"platform"`
	GPU         *GPU              `yaml:"gpu,omitempty" json:"gpu,omitempty"` // nil: no condition on any build
	Requires    []string          `yaml:"requires" json:"requires"`           // in the user's order
	Prefer      solver.Prefer     `yaml:"prefer" json:"prefer"`
	Constraints []string          `yaml:"constraints,omitempty" json:"constraints,omitempty"`
	Overrides   []string          `yaml:"overrides,omitempty" json:"overrides,omitempty"`
	Exclude     []string          `yaml:"exclude,omitempty" json:"exclude,omitempty"` // name or name==version
	Prerelease  solver.Prerelease `yaml:"prerelease" json:"prerelease"`
	AllowOld    []string          `yaml:"allow-old,omitempty" json:"allow-old,omitempty"`
	Indexes     []Index           `yaml:"indexes,omitempty" json:"indexes,omitempty"` // empty: the default index alone
	Waive       []Waiver          `yaml:"waive,omitempty" json:"waive,omitempty"`
	Image       Image             `yaml:"image" json:"image"`

	origins map[string]string // "requires trl<1" -> "lab.yaml:4"
	written *Profile          // the same with folders as written, relative to the profile's own; what YAML prints
}

// Platform is the machine and C library wheels are chosen for.
type Platform struct {
	Machine string `yaml:"machine" json:"machine"` // x86_64 or aarch64
	Glibc   string `yaml:"glibc" json:"glibc"`     // 2.N: the newest manylinux level admitted
}

// GPU is the condition on builds with machine code.
type GPU struct {
	Compute []string `yaml:"compute,flow" json:"compute"` // compute capabilities, ascending: "8.9"
	CUDA    string   `yaml:"cuda" json:"cuda"`            // major.minor: "12.4"
}

// Index is one place wheels come from. Exactly one of URL, Path and
// FindLinks is set; none of them where Name alone is a well-known index.
type Index struct {
	Name      string   `yaml:"name,omitempty" json:"name,omitempty"`
	URL       string   `yaml:"url,omitempty" json:"url,omitempty"`               // without credentials; https, http on loopback, or a folder
	Path      string   `yaml:"path,omitempty" json:"path,omitempty"`             // folder of wheels
	FindLinks string   `yaml:"find-links,omitempty" json:"find-links,omitempty"` // folder or URL without credentials
	Packages  []string `yaml:"packages,omitempty,flow" json:"packages,omitempty"`
	Undated   string   `yaml:"undated,omitempty" json:"undated,omitempty"` // UndatedAllow, or empty: a date excludes them

	user, password string
}

// UndatedAllow is the value of Index.Undated by which --exclude-newer admits
// files that the index gives no upload date for.
const UndatedAllow = "allow"

// Credentials are those written in the index's URL; ok is false where it
// had none. They are printed nowhere and are no part of the digest.
func (i Index) Credentials() (user, password string, ok bool) {
	return i.user, i.password, i.user != "" || i.password != ""
}

// GoString keeps credentials out of %#v.
func (i Index) GoString() string {
	return "profiles.Index{" + i.Name + " " + i.URL + i.Path + i.FindLinks + "}"
}

// PythonFull is Python with all three numbers: "3.11" means 3.11.0.
func (p Profile) PythonFull() string {
	if strings.Count(p.Python, ".") == 1 {
		return p.Python + ".0"
	}
	return p.Python
}

// PythonShort is Python as X.Y.
func (p Profile) PythonShort() string {
	part := strings.SplitN(p.Python, ".", 3)
	return strings.Join(part[:min(2, len(part))], ".")
}

// Target is what wheels are chosen for.
func (p Profile) Target() tag.Target {
	return tag.Target{
		Python:  tag.Python{Major: number(p.Python, 0), Minor: number(p.Python, 1)},
		Machine: p.Platform.Machine,
		Glibc:   [2]int{number(p.Platform.Glibc, 0), number(p.Platform.Glibc, 1)},
	}
}

// WithPython is the profile for another Python, X.Y or X.Y.Z.
func (p Profile) WithPython(python string) (Profile, error) {
	if why := checkPython(python); why != "" {
		return Profile{}, inputError("python "+quote(python)+" is not allowed", why)
	}
	written := *p.written
	written.Python = python
	p.Python, p.written = python, &written
	return p, nil
}

// number is the i-th dotted number of a version that was checked.
func number(version string, i int) int {
	part := strings.Split(version, ".")
	if i >= len(part) {
		return 0
	}
	n, _ := strconv.Atoi(part[i])
	return n
}
