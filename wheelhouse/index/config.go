package index

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"wheelwright/fault"
)

// Which indexes are in force.
//
// A profile lists sources in order. Those with Packages, folders, find-links
// and indexes with an address of their own are the profile's explicit ones.
// The entry named "pypi" without an address (the whole list, where a profile
// has none) is the default index: a place that the user's surroundings fill,
// by the first of
//
//	--index-url, or --index pypi=URL
//	UV_DEFAULT_INDEX, UV_INDEX_URL, PIP_INDEX_URL
//	index-url of pip's configuration files
//	the public Python Package Index
//
// so that who works behind a mirror need not edit profiles. Around it stand
// extra indexes before (UV_INDEX, UV_EXTRA_INDEX_URL, then
// PIP_EXTRA_INDEX_URL or else extra-index-url: as with uv, an extra index that
// has a name answers for it, and no stranger's project of that name shadows
// it), and find-links after (UV_FIND_LINKS, then PIP_FIND_LINKS or else
// find-links: a folder that happens to lie on a machine answers only for what
// no index has, and does not change anyone's lock). UV_NO_INDEX, PIP_NO_INDEX
// or no-index leave the find-links alone there.
//
// --index-url takes the place of all of that, extras and find-links too, and
// of the profile's other indexes without Packages; the profile's folders,
// find-links and indexes with Packages stay. --index NAME=URL replaces the
// address of one index of the profile, whatever it is. A profile that names
// indexes and not the default one is not added to by the surroundings.

// Options are what Configure reads: the profile, the command line and the
// user's surroundings.
type Options struct {
	Profile  []Source            // the profile's indexes in order; folders absolute; empty: the default index alone
	IndexURL string              // --index-url; empty: not given
	Replace  map[string]string   // --index NAME=URL
	Env      func(string) string // os.Getenv; nil: nothing is set
	Home     string              // the user's home folder; empty: no per-user files
	System   string              // where system-wide files lie; empty: /etc
}

// Configure settles which sources are in force. It reads files and no
// network. Errors are fault.Input, and hold no credential.
func Configure(o Options) (Settings, error) {
	if o.Env == nil {
		o.Env = func(string) string { return "" }
	}
	if o.System == "" {
		o.System = "/etc"
	}
	pip, err := readPip(o)
	if err != nil {
		return Settings{}, err
	}
	logins, err := readNetrc(o.Env, o.Home)
	if err != nil {
		return Settings{}, err
	}
	c := &configurer{o: o, pip: pip, names: map[string]bool{}}
	if err := c.sources(); err != nil {
		return Settings{}, err
	}
	for i, s := range c.out {
		c.out[i] = credentials(s, o.Env, logins)
	}
	for _, key := range []string{"trusted-host", "proxy", "client-cert", "keyring-provider"} {
		if file := pip.file[key]; file != "" {
			c.note("%s of %s is not followed", key, file)
		}
	}
	if o.Env("PIP_TRUSTED_HOST") != "" {
		c.note("PIP_TRUSTED_HOST is not followed: every connection but to this machine is encrypted and checked")
	}
	a := &access{env: o.Env, logins: logins}
	if cert := pip.value["cert"]; cert != "" && o.Env("PIP_CERT") == "" {
		a.certs = []string{cert}
	}
	return Settings{Sources: c.out, Won: c.won, Notes: c.notes, access: a}, nil
}

type configurer struct {
	o     Options
	pip   pipConf
	out   []Source
	names map[string]bool
	won   string
	notes []string
}

func (c *configurer) note(format string, args ...any) {
	c.notes = append(c.notes, fmt.Sprintf(format, args...))
}

// sources walks the profile and puts what is in force in out.
func (c *configurer) sources() error {
	profile := c.o.Profile
	if len(profile) == 0 {
		profile = []Source{{Name: DefaultName}}
	}
	if err := c.replaceable(profile); err != nil {
		return err
	}
	around, err := c.surroundings()
	if err != nil {
		return err
	}
	placed := false
	for _, s := range profile {
		general := s.Kind == Simple && len(s.Packages) == 0
		_, replaced := c.o.Replace[s.Name]
		switch {
		case general && !replaced && (isDefault(s) || c.o.IndexURL != ""):
			if placed {
				continue
			}
			placed = true
			for _, a := range around.sources {
				c.add(a)
			}
		default:
			own, err := c.own(s)
			if err != nil {
				return err
			}
			c.add(own)
		}
	}
	if !placed && c.o.IndexURL != "" {
		placed = true
		c.add(around.sources[0])
	}
	c.won = around.won
	if !placed {
		c.won = "indexes of the profile alone"
		if around.set != "" {
			c.won += ": it does not name the default index, which " + around.set + " would set"
		}
	}
	if len(c.o.Replace) > 0 {
		c.won += "; --index replaces " + strings.Join(slices.Sorted(maps.Keys(c.o.Replace)), ", ")
	}
	if len(c.out) == 0 {
		return fault.New(fault.Input, "no index is left to ask").Because("%s", around.won).
			Try("name one with --index-url, or unset what says no index")
	}
	return nil
}

func isDefault(s Source) bool {
	public, _ := WellKnown(DefaultName)
	return s.URL == "" && s.Name == DefaultName || strings.TrimRight(s.URL, "/") == public
}

// replaceable refuses --index for a name that the profile does not have, or
// that --index-url replaces too.
func (c *configurer) replaceable(profile []Source) error {
	for _, name := range slices.Sorted(maps.Keys(c.o.Replace)) {
		i := slices.IndexFunc(profile, func(s Source) bool { return s.Name == name })
		if i < 0 {
			var names []string
			for _, s := range profile {
				if s.Name != "" {
					names = append(names, s.Name)
				}
			}
			return fault.New(fault.Input, "--index %s=…: the profile has no index of that name", name).
				Because("its named indexes are: %s", strings.Join(names, ", ")).
				Try("name one of these; --index-url replaces the default index")
		}
		if c.o.IndexURL != "" && isDefault(profile[i]) && len(profile[i].Packages) == 0 {
			return fault.New(fault.Input, "--index %s=… and --index-url both replace the default index", name).Try("give one of them")
		}
	}
	return nil
}

// own is a source that the profile itself names.
func (c *configurer) own(s Source) (Source, error) {
	raw, from := s.URL, "the profile"
	if url, ok := c.o.Replace[s.Name]; ok && s.Name != "" {
		raw, from = url, "--index "+s.Name
	}
	if raw == "" {
		known, ok := WellKnown(s.Name)
		if !ok {
			return s, fault.New(fault.Input, "index %q of the profile has no url", s.Name).
				Because("names that need none are: %s", strings.Join(WellKnownNames(), ", ")).
				Try("give it a url")
		}
		raw = known
	}
	at, err := place(raw, s.Kind, from, c.o.Home)
	if err != nil {
		return s, err
	}
	if s.Name != "" {
		at.Name = s.Name
	}
	if at.user == "" && at.password == "" {
		at.user, at.password = s.user, s.password
		if from != "the profile" { // they were given for the address replaced
			at.user, at.password = "", ""
		}
	}
	at.Packages = slices.Clone(s.Packages)
	return at, nil
}

// add puts a source last in force, under a name that no other has; an address
// that is in force for every name already is not asked twice.
func (c *configurer) add(s Source) {
	for _, t := range c.out {
		if t.URL == s.URL && t.Kind == s.Kind && len(t.Packages) == 0 && len(s.Packages) == 0 {
			return
		}
	}
	base := s.Name
	for n := 2; c.names[s.Name]; n++ {
		s.Name = fmt.Sprintf("%s-%d", base, n)
	}
	c.names[s.Name] = true
	c.out = append(c.out, s)
}

// missing says whether a find-links folder of the surroundings is not there;
// pip passes over such a one, and so do we, with a note.
func (c *configurer) missing(s Source, from string) bool {
	path, local := localPath(s.URL)
	if !local {
		return false
	}
	if _, err := os.Stat(path); err == nil {
		return false
	}
	c.note("%s names %s, which is not there; it is passed over", from, path)
	return true
}
