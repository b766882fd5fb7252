package profiles

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Apt is a Debian repository besides Debian's own, whose packages join those
// of the base: the newest version of each name counts, of equal ones
// Debian's.
type Apt struct {
	URL        string   `yaml:"url" json:"url"`                                        // of the folder that has dists/, or of a flat repository; https or http, without credentials
	Suite      string   `yaml:"suite" json:"suite"`                                    // below dists/; with a slash at its end the folder of a flat repository, "./"
	Components []string `yaml:"components,omitempty,flow" json:"components,omitempty"` // of the suite; none for a flat repository
	Key        string   `yaml:"key" json:"key"`                                        // file of the OpenPGP public keys that sign it, read when the base is resolved

	user, password string
}

// Credentials are those written in the repository's URL; ok is false where it
// had none. They are printed nowhere and are no part of the digest.
func (a Apt) Credentials() (user, password string, ok bool) {
	return a.user, a.password, a.user != "" || a.password != ""
}

// Address is URL with the credentials: what to ask, not what to print.
func (a Apt) Address() string {
	u, err := url.Parse(a.URL)
	user, password, ok := a.Credentials()
	if err != nil || !ok {
		return a.URL
	}
	if u.User = url.User(user); password != "" {
		u.User = url.UserPassword(user, password)
	}
	return u.String()
}

// String is the repository on one line, as a line of apt's sources has it.
func (a Apt) String() string {
	return strings.Join(append([]string{a.URL, a.Suite}, a.Components...), " ")
}

// GoString keeps credentials out of %#v.
func (a Apt) GoString() string { return "profiles.Apt{" + a.String() + "}" }

var aptForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.+~_-]*(/[A-Za-z0-9][A-Za-z0-9.+~_-]*)*$`)

// apt reads image.apt; a repository stands in it once.
func (d *decoder) apt(n *node) []Apt {
	var out []Apt
	for _, item := range d.list(n) {
		d.keys(item, "url", "suite", "components", "key")
		if item.kind != mapNode {
			continue
		}
		k := item.named
		for _, key := range []string{"url", "suite", "key"} {
			if k[key] == nil {
				d.fail(item.at("%s is missing", key).
					Because("a repository is {url, suite, components, key}: key is the file of the keys that sign it, components are left out where it is flat").
					Try("add %s", key))
			}
		}
		a := Apt{Suite: d.text(k["suite"], ""), Key: d.text(k["key"], "")}
		d.aptURL(k["url"], &a)
		d.aptSuite(item, &a)
		d.check(k["key"], a.Key, unless(!strings.Contains(a.Key, "://") && !strings.Contains(a.Key, "-----BEGIN"), "key is a file of OpenPGP public keys on this machine, armoured or not"))
		if d.err != nil {
			return nil
		}
		a.Key = d.folder(k["key"], a.Key)
		if slices.ContainsFunc(out, func(o Apt) bool { return o.URL == a.URL && o.Suite == a.Suite }) {
			d.fail(item.at("a second entry for %s %s", a.URL, a.Suite).Because("each suite of a repository stands in image.apt once, with all its components").
				Try("make one of the two"))
		}
		out = append(out, a)
	}
	return out
}

// aptURL reads a repository's address; what may be a credential is not told.
func (d *decoder) aptURL(n *node, a *Apt) {
	s := d.text(n, "")
	if n == nil || d.err != nil {
		return
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Opaque != "" || u.Host == "" || u.Fragment != "" || u.RawQuery != "" || u.Scheme != "https" && u.Scheme != "http":
		d.fail(n.at("not the address of a repository").Because("allowed: https://HOST/… and http://HOST/…, without query and fragment").
			Try("write the address of the folder that has dists/, or of a flat repository; USER:PASSWORD@ may stand before the host"))
		return
	case u.User != nil && u.Scheme == "http" && !loopback(u):
		d.fail(n.at("credentials in an http address").Because("they would travel in the clear").Try("write https"))
		return
	case u.User != nil:
		a.user = u.User.Username()
		a.password, _ = u.User.Password()
		u.User = nil
	}
	a.URL = strings.TrimRight(u.String(), "/")
}

// aptSuite checks suite and components, which go together.
func (d *decoder) aptSuite(item *node, a *Apt) {
	suite, list := item.named["suite"], item.named["components"]
	for _, c := range d.list(list) {
		s := d.text(c, "")
		d.check(c, s, unless(aptForm.MatchString(s), `a component is a name such as "main"`))
		if !slices.Contains(a.Components, s) {
			a.Components = append(a.Components, s)
		}
	}
	flat := strings.HasSuffix(a.Suite, "/")
	name := strings.TrimPrefix(strings.TrimRight(a.Suite, "/"), "./")
	d.check(suite, a.Suite, unless(aptForm.MatchString(name) || flat && (name == "" || name == "."),
		`a suite is a name such as "bookworm", or with a slash at its end the folder of a flat repository: "./"`))
	switch {
	case d.err != nil || suite == nil:
	case flat && len(a.Components) > 0:
		d.fail(list.at("not allowed for suite %s", quote(a.Suite)).Because("a flat repository, whose suite ends in a slash, has no components").
			Try("leave components out, or the slash"))
	case !flat && len(a.Components) == 0:
		d.fail(item.at("components is missing").Because("suite %s has components; a flat repository has none, and its suite ends in a slash", quote(a.Suite)).
			Try("add components: [main], or write suite: %s/ for a flat repository", a.Suite))
	}
}

// aptName tells entries of image.apt apart: a child's replaces its parent's.
func aptName(n *node) string {
	u, suite := n.named["url"], n.named["suite"]
	if u == nil || suite == nil {
		return ""
	}
	return strings.TrimRight(userinfo.ReplaceAllString(u.text, "$1"), "/") + " " + suite.text
}
