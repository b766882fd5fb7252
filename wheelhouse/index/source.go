package index

import "wheelwright/solver/pep508"

// Kind is what a Source is made of.
type Kind int

const (
	// Simple is an index of PEP 503 / PEP 691: URL/NAME/ lists the files of
	// one project. It may be a folder laid out so (NAME.json,
	// NAME/index.json or NAME/index.html).
	Simple Kind = iota
	// FindLinks is one HTML page, or one folder, that links to files of any
	// number of projects.
	FindLinks
	// Path is a folder of wheels.
	Path
)

// String names the kind as configuration and messages do.
func (k Kind) String() string {
	switch k {
	case Simple:
		return "index"
	case FindLinks:
		return "find-links"
	case Path:
		return "path"
	}
	return "unknown kind"
}

// Source is one place that files come from.
type Source struct {
	Name     string        // unique in a Settings; what locks and messages call it
	URL      string        // without credentials; for Path and FindLinks a folder or a URL
	Kind     Kind          // the zero value is Simple
	Packages []pep508.Name // not empty: these names come from here and from nowhere else

	user, password string
}

// Credentials are the user name and password for the source's own host; ok
// is false where there are none.
func (s Source) Credentials() (user, pass string, ok bool) {
	return s.user, s.password, s.user != "" || s.password != ""
}

// WithCredentials is s with a user name and password.
func (s Source) WithCredentials(user, pass string) Source {
	s.user, s.password = user, pass
	return s
}

// String is the source without its credentials.
func (s Source) String() string { return s.Name + " (" + s.URL + ")" }

// GoString keeps credentials out of %#v.
func (s Source) GoString() string { return "index.Source{" + s.String() + "}" }

// Settings are the sources in force, first asked first.
type Settings struct {
	Sources []Source
	Won     string   // one line: which configuration won and why
	Notes   []string // what of the user's configuration is not followed, a line each

	access *access // certificates and netrc; nil: the system's and none
}
