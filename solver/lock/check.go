package lock

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"wheelwright/solver/pep440"
	"wheelwright/solver/pep508"
	"wheelwright/solver/tag"
)

// Check says what keeps l from being a lock that Parse, pip and uv read: a
// file without sha256 or address, a name that disagrees with its package, text
// that TOML cannot hold. Errors are of kind Input.
func (l Lock) Check() error {
	_, err := Parse(l.Marshal())
	return err
}

// agrees checks that a file name is plain and names a wheel of p. A package
// without a version takes it from its first wheel (pip writes none for a
// direct reference).
func agrees(name string, p *Package) error {
	if len(name) > 255 || strings.ContainsAny(name, "/\\\x00") || name == "." || name == ".." ||
		strings.ContainsFunc(name, func(r rune) bool { return r < 0x20 || r == 0x7f || r == '\uFFFD' }) {
		return fmt.Errorf("wheel %s: not a plain file name", shown(name))
	}
	if !strings.HasSuffix(name, ".whl") {
		return fmt.Errorf("file %s is no wheel", shown(name))
	}
	w, err := tag.ParseWheel(name)
	if err != nil {
		return fmt.Errorf("wheel %s: not the name of a wheel", shown(name))
	}
	if n := pep508.Normalize(w.Name); n != p.Name {
		return fmt.Errorf("wheel %s belongs to %s", shown(name), n)
	}
	v, err := pep440.Parse(w.Version)
	if err != nil {
		return fmt.Errorf("wheel %s: version %s is not PEP 440", shown(name), shown(w.Version))
	}
	if p.Version == "" {
		p.Version = v.String()
	}
	if want, err := pep440.Parse(p.Version); err != nil || !v.Equal(want) {
		return fmt.Errorf("wheel %s is not of version %s", shown(name), p.Version)
	}
	return nil
}

// canonicalPackage brings what Marshal sorts into that order, so that a value
// survives being written and read.
func canonicalPackage(p *Package) {
	p.Dependencies = slices.Compact(slices.Sorted(slices.Values(p.Dependencies)))
	slices.SortStableFunc(p.Wheels, compareWheels)
}

// toolTable is [tool.wheelwright].
type toolTable struct {
	Profile       string `toml:"profile"`
	ProfileDigest string `toml:"profile-digest"`
	Target        struct {
		Python  string `toml:"python"`
		Machine string `toml:"machine"`
		Glibc   string `toml:"glibc"`
	} `toml:"target"`
	ExcludeNewer any `toml:"exclude-newer"`
	Builds       map[string]struct {
		CUDA string `toml:"cuda"`
	} `toml:"builds"`
	Matrix []string `toml:"matrix"`
	Waive  []struct {
		Rule    string `toml:"rule"`
		Package string `toml:"package"`
		Reason  string `toml:"reason"`
	} `toml:"waive"`
	Base  *baseTable  `toml:"base"`
	Image *imageTable `toml:"image"`
}

// into checks the table and puts it into l.
func (t *toolTable) into(l *Lock) *problem {
	fail := func(format string, args ...any) *problem {
		return &problem{-1, -1, "tool.wheelwright: " + fmt.Sprintf(format, args...), "write the lock again with wheelwright lock"}
	}
	if t.ProfileDigest != "" && !isDigest(t.ProfileDigest) {
		return fail("profile-digest %s is no sha256 digest", shown(t.ProfileDigest))
	}
	l.Profile, l.ProfileDigest = t.Profile, t.ProfileDigest
	switch at := t.ExcludeNewer.(type) {
	case nil:
	case time.Time:
		l.ExcludeNewer = at.UTC()
	default:
		return fail("exclude-newer is no date and time with an offset")
	}
	l.Target = Target{t.Target.Python, t.Target.Machine, t.Target.Glibc}
	l.Matrix = slices.Compact(slices.Sorted(slices.Values(t.Matrix)))
	for name, b := range t.Builds {
		n, err := pep508.ParseName(name)
		if err != nil {
			return fail("builds: %s is no name of a distribution", shown(name))
		}
		if l.Builds == nil {
			l.Builds = map[pep508.Name]string{}
		}
		l.Builds[n] = b.CUDA
	}
	for _, w := range t.Waive {
		l.Waivers = append(l.Waivers, Waiver{w.Rule, pep508.Normalize(w.Package), w.Reason})
	}
	slices.SortStableFunc(l.Waivers, compareWaivers)
	if t.Base != nil {
		b, err := t.Base.base()
		if err != nil {
			return fail("base: %v", err)
		}
		l.Base = b
	}
	if t.Image != nil {
		i, err := t.Image.image(l)
		if err != nil {
			return fail("image: %v", err)
		}
		l.Image = i
	}
	return nil
}

// imageTable is [tool.wheelwright.image].
type imageTable struct {
	Lock        string `toml:"lock-digest"`
	LayerFormat int    `toml:"layer_format"`
	Prefix      string `toml:"prefix"`
	Python      string `toml:"python"`
	User        string `toml:"user"`
	Login       string `toml:"login"`
	Home        string `toml:"home"`
	Base        string `toml:"base-digest"`
	Layers      []struct {
		Digest  string   `toml:"digest"`
		DiffID  string   `toml:"diff-id"`
		Size    int64    `toml:"size"`
		Media   string   `toml:"media-type"`
		Members []string `toml:"members"`
	} `toml:"layers"`

	// Of a lock written before there was a table for the base.
	OldBase   string `toml:"base"`
	OldConfig string `toml:"config"`
}

// image checks the table. The base that an old lock names in it is taken over,
// but a Debian base: of its packages an old lock does not say where they are.
func (t *imageTable) image(l *Lock) (*Image, error) {
	if t.Lock != "" && !isDigest(t.Lock) || t.Base != "" && !isDigest(t.Base) {
		return nil, fmt.Errorf("lock-digest %s and base-digest %s are no sha256 digests", shown(t.Lock), shown(t.Base))
	}
	if t.LayerFormat < 0 {
		return nil, fmt.Errorf("layer_format %d is below 0", t.LayerFormat)
	}
	i := &Image{
		Lock: t.Lock, LayerFormat: t.LayerFormat, Prefix: t.Prefix, Python: t.Python,
		User: t.User, Login: t.Login, Home: t.Home, Base: t.Base,
	}
	for k, y := range t.Layers {
		if !isDigest(y.Digest) || !isDigest(y.DiffID) || y.Size < 0 {
			return nil, fmt.Errorf("layer %d needs digest and diff-id as sha256:… and a size of 0 or more", k+1)
		}
		i.Layers = append(i.Layers, Layer{Members: y.Members, Digest: y.Digest, DiffID: y.DiffID, Size: y.Size, Media: y.Media})
	}
	if l.Base == nil && t.OldBase != "" && !strings.HasPrefix(t.OldBase, "debian:") {
		b, err := (&baseTable{Name: t.OldBase, Config: t.OldConfig}).base()
		if err != nil {
			return nil, err
		}
		l.Base, i.Base = b, b.Digest()
	}
	return i, nil
}

func isDigest(s string) bool {
	hex, ok := strings.CutPrefix(s, "sha256:")
	return ok && isSHA256(hex)
}
