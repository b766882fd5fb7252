package deb

import (
	"net/url"
	"regexp"
	"strings"

	"wheelwright/fault"
)

// Source is a repository besides Debian's own: an image.apt entry.
type Source struct {
	URL        string   // of the folder that has dists/, or of a flat repository's; may hold credentials
	Suite      string   // below dists/; with a slash at its end the folder of a flat repository
	Components []string // of the suite; none for a flat repository
	Key        []byte   // OpenPGP public keys that it is signed with, armoured or not
}

var aptPart = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.+~_-]*(/[A-Za-z0-9][A-Za-z0-9.+~_-]*)*$`)

// suite is the repository as one to read packages for a machine from.
func (a Source) suite(arch string) (suite, error) {
	s := suite{mirror: strings.TrimRight(a.URL, "/"), name: a.Suite, components: a.Components, archive: a.Archive(), arch: arch, foreign: true}
	wrong := func(why string) (suite, error) {
		return s, fault.New(fault.Input, "image.apt %s %s", redact(a.URL), a.Suite).Because("%s", why).Try("correct the entry in image.apt")
	}
	u, err := url.Parse(a.URL)
	flat := strings.TrimPrefix(strings.TrimRight(a.Suite, "/"), "./")
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" || u.Fragment != "":
		return wrong("its url is no http or https address of a folder")
	case s.flat() && (flat != "" && flat != "." && !aptPart.MatchString(flat) || len(a.Components) > 0):
		return wrong("a suite with a slash at its end is the folder of a flat repository, which has no components")
	case !s.flat() && (!aptPart.MatchString(a.Suite) || len(a.Components) == 0):
		return wrong("it needs the name of a suite and of its components")
	}
	for _, c := range a.Components {
		if !aptPart.MatchString(c) {
			return wrong("component " + c + " is no name")
		}
	}
	if s.keys, err = readKeys("the key of image.apt", a.Key); err != nil {
		return s, fault.New(fault.Input, "image.apt %s %s: its key", redact(a.URL), a.Suite).Wrap(err).
			Try("take key from whoever runs the repository: a file of OpenPGP public keys, armoured (.asc) or not (.gpg)")
	}
	return s, nil
}

// Archive is what Package.Archive calls the repository: its URL without
// credentials.
func (a Source) Archive() string { return strings.TrimRight(redact(a.URL), "/") }
