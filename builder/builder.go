// Package builder runs the steps of the program in order: a profile becomes a
// lock, the lock a wheelhouse, the wheelhouse an image. Each step calls the
// package that owns it; none calls back upwards. What it tells goes through
// Options.Report; it prints nothing and knows no command line.
package builder

import (
	"io"
	"path/filepath"
	"time"

	"wheelwright/fault"
	"wheelwright/profiles"
	"wheelwright/solver/pep508"
	"wheelwright/solver/tag"
	"wheelwright/wheelhouse"
	"wheelwright/wheelhouse/index"
)

// Options say what to build and with what.
type Options struct {
	Profile  string              // name of a shipped profile, or a path
	Python   string              // another Python for it, X.Y or X.Y.Z; empty: the profile's own
	LockPath string              // of the lock file, read and written; empty: ./pylock.PROFILE[-pyXY].toml
	CacheDir string              // shared by processes
	Env      func(string) string // environment variables: os.Getenv
	Home     string              // of the user, for pip.conf and netrc
	Report   func(Event)         // may be nil; called from several goroutines
	Trace    io.Writer           // one line for each request; may be nil
	Session  *Session            // shared with the other builds of a run; nil: its own

	IndexURL     string            // replaces the default index, environment's and configuration's
	ReplaceIndex map[string]string // name of one of the profile's indexes -> its URL

	From string // a wheelhouse folder: what the cache lacks is taken from it before the network is asked; empty: none

	Upgrade         bool     // keep no version of an existing lock
	UpgradePackages []string // keep not the version of these
	UpgradeBase     bool     // take the base as it is now, and not as the lock has it
	Locked          bool     // fail where the lock would change
	Frozen          bool     // use the lock as it is
	Offline         bool     // open no socket
	ExcludeNewer    string   // YYYY-MM-DD or RFC 3339: files uploaded after that day, or from that instant on, do not exist; empty: no limit
}

// Builder is one build of one profile.
type Builder struct {
	Options
	Profile                    profiles.Profile
	Name                       string // what its files and tag are called: the profile's name, with -pyXY where Options.Python is given
	settings                   index.Settings
	client                     routes
	house                      *wheelhouse.House
	undated                    map[string]bool // indexes whose files need no date, by name
	until                      time.Time       // uploads from here on do not exist; zero: no limit
	tellsIndexes, tellsUnasked bool            // of the builds of its session that share a client, one tells of it
	refusal                    *fault.Error    // why no build of the profile can exist; nil: one may
	again                      string          // the command that writes the lock, as the user would type it
}

// New prepares a build: index configuration is read and checked, nothing is
// fetched or written yet.
func New(o Options) (*Builder, error) {
	p, err := profiles.Load(o.Profile)
	if err != nil {
		return nil, err
	}
	again, name := "wheelwright lock --profile "+o.Profile, buildName(p.Name, o.Python)
	if o.Python != "" {
		if p, err = p.WithPython(o.Python); err != nil {
			return nil, err
		}
		again += " --python " + o.Python
	}
	if o.Upgrade {
		again += " --upgrade"
	}
	for _, s := range o.UpgradePackages {
		again += " --upgrade-package " + s
	}
	if o.LockPath != "" {
		again += " --output " + o.LockPath
	} else {
		o.LockPath = lockName(p.Name, o.Python)
	}
	if o.LockPath, err = filepath.Abs(o.LockPath); err != nil {
		return nil, err
	}
	var until time.Time
	if o.ExcludeNewer != "" {
		if until, err = parseUntil(o.ExcludeNewer); err != nil {
			return nil, err
		}
		again += " --exclude-newer " + o.ExcludeNewer
	}
	if o.Session == nil {
		o.Session = &Session{}
	}
	b := &Builder{Options: o, Profile: p, Name: name, until: until, again: again}
	b.settings, err = index.Configure(index.Options{
		Profile:  sources(p),
		IndexURL: o.IndexURL,
		Replace:  o.ReplaceIndex,
		Env:      o.Env,
		Home:     o.Home,
	})
	if err != nil {
		return nil, err
	}
	b.undated = undated(p, b.settings)
	b.client, err = o.Session.routes(b.settings, b.clientOptions())
	if err != nil {
		return nil, err
	}
	if b.house, err = o.Session.open(o.CacheDir); err != nil {
		return nil, err
	}
	if b.refusal = p.Refusal(); b.refusal == nil {
		b.tellsIndexes = o.Session.first(tale{b.client.Client, "indexes"})
		b.tellsUnasked = o.Session.first(tale{b.client.general, "unasked"})
	}
	if b.tellsIndexes {
		for _, n := range b.settings.Notes {
			b.note(StepResolve, n)
		}
	}
	return b, nil
}

// clientOptions are those of the clients for the profile's target.
func (b *Builder) clientOptions() index.ClientOptions {
	return index.ClientOptions{
		CacheDir: b.CacheDir,
		Offline:  b.Offline,
		Targets:  []tag.Target{b.Profile.Target()},
		Trace:    b.Trace,
		Log:      func(s string) { b.note(StepResolve, s) },
	}
}

// Refusal says why no build of the profile can exist, or is nil.
func (b *Builder) Refusal() *fault.Error { return b.refusal }

// sources are the profile's indexes as the index package takes them.
func sources(p profiles.Profile) []index.Source {
	var out []index.Source
	for _, x := range p.Indexes {
		s := index.Source{Name: x.Name, URL: x.URL}
		for _, name := range x.Packages {
			s.Packages = append(s.Packages, pep508.Normalize(name))
		}
		if user, password, ok := x.Credentials(); ok {
			s = s.WithCredentials(user, password)
		}
		switch {
		case x.Path != "":
			s.Kind, s.URL = index.Path, x.Path
		case x.FindLinks != "":
			s.Kind, s.URL = index.FindLinks, x.FindLinks
		}
		out = append(out, s)
	}
	return out
}

// undated are the names of the sources in force that the profile says need no
// upload date. What fills the place of the default index is as its entry says.
func undated(p profiles.Profile, set index.Settings) map[string]bool {
	admits := func(s index.Source) bool {
		fallback := false
		for _, x := range p.Indexes {
			allow := x.Undated == profiles.UndatedAllow
			switch s.URL {
			case x.URL, x.Path, x.FindLinks:
				return allow
			}
			if s.Name == x.Name {
				return allow
			}
			if x.Name == index.DefaultName && x.URL == "" {
				fallback = allow
			}
		}
		return fallback
	}
	out := map[string]bool{}
	for _, s := range set.Sources {
		if admits(s) {
			out[s.Name] = true
		}
	}
	return out
}
