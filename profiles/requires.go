package profiles

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"wheelwright/solver/pep508"
	"wheelwright/solver/tag"
)

// role is what a requirement is for; it decides which forms are allowed.
type role int

const (
	required role = iota
	constraint
	override
	exclusion
)

// key is the role's key in a profile.
func (r role) key() string { return [...]string{"requires", "constraints", "overrides", "exclude"}[r] }

const buildWheel = "build a wheel and list its folder under indexes: path"

var (
	editForm   = regexp.MustCompile(`^\s*(-e|--editable)\b`)
	directForm = regexp.MustCompile(`^\s*[A-Za-z0-9][A-Za-z0-9._-]*\s*(\[[^\]]*\])?\s*@`)
	vcsForm    = regexp.MustCompile(`(?i)(^|@\s*)((git|hg|svn|bzr)\+|git:|ssh:|git@)`)
	sdistForm  = regexp.MustCompile(`(?i)\.(tar\.gz|tgz|tar\.bz2|tar\.xz|tar|zip|egg)$`)
	hashForm   = regexp.MustCompile(`^sha256=[0-9a-f]{64}$`)
)

// requirements is a list of PEP 508 requirements in canonical text.
func (d *decoder) requirements(n *node, r role) []string {
	var out []string
	addresses := map[pep508.Name]string{}
	for _, item := range d.list(n) {
		s := d.requirement(item, r)
		d.origins[r.key()+" "+s] = fmt.Sprintf("%s:%d", item.src.label, item.line)
		if q, err := pep508.Parse(s); err == nil && q.URL != "" && q.Marker.IsZero() {
			if first, twice := addresses[q.Name]; twice && first != q.URL {
				d.fail(item.at("a second address for %s", q.Name).Because("one wheel of a distribution is chosen").Try("keep one of them"))
			}
			addresses[q.Name] = q.URL
		}
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

func (d *decoder) requirement(n *node, role role) string {
	s := d.text(n, "")
	if d.err != nil {
		return ""
	}
	if what, next := noRequirement(s); what != "" {
		d.fail(n.at("%s is %s", quote(s), what).Because("only wheels are installed: a requirement is NAME with versions, or NAME @ the address of a wheel").Try("%s", next))
		return ""
	}
	req, err := pep508.Parse(s)
	if err != nil {
		f := n.at("%s is no PEP 508 requirement", quote(s))
		var syntax *pep508.SyntaxError
		if errors.As(err, &syntax) {
			f.Because("column %d: expected %s", syntax.Column, safe(syntax.Want))
		} else {
			f.Because("%s", safe(err.Error()))
		}
		d.fail(f)
		return ""
	}
	if req.Marker.UsesExtra() {
		d.check(n, s, "the marker variable extra has no meaning in a profile")
	}
	_, pinned := req.Specifiers.ExactPin()
	switch role {
	case required:
		if req.URL != "" {
			req.URL = d.direct(n, req)
		}
	case constraint:
		d.check(n, s, unless(req.URL == "" && len(req.Extras) == 0, "a constraint narrows versions: a name, versions and a marker, no extras and no URL"))
	case override:
		d.check(n, s, unless(req.URL == "", "an override has no URL; a direct reference belongs under requires"))
	case exclusion:
		exact := req.Specifiers.IsAny() || pinned && len(req.Specifiers.All()) == 1
		d.check(n, s, unless(exact && req.URL == "" && len(req.Extras) == 0 && req.Marker.IsZero(), "an exclusion is name or name==version"))
	}
	return req.String()
}

// noRequirement says what a text is that people write into requirement
// files and that is no requirement of a wheel, and what to do instead.
func noRequirement(s string) (what, next string) {
	file, _, _ := strings.Cut(s, ";")
	file, _, _ = strings.Cut(strings.TrimSpace(file), "#")
	named := directForm.MatchString(s)
	switch {
	case editForm.MatchString(s):
		return "an editable install", buildWheel
	case vcsForm.MatchString(s):
		return "a version control address", buildWheel
	case sdistForm.MatchString(file) && (named || strings.Contains(file, "/") || strings.Contains(file, ".tar.")):
		return "a source distribution", buildWheel
	case strings.HasSuffix(file, ".whl") && !named:
		return "a wheel without a name", "write NAME @ file:PATH or NAME @ URL"
	case strings.HasPrefix(s, ".") || strings.HasPrefix(s, "/"):
		return "a folder or file", buildWheel
	}
	return "", ""
}

// direct checks the URL of a direct reference: a wheel of that name at
// https, http on loopback, or file:, relative to the file that says it.
func (d *decoder) direct(n *node, req pep508.Requirement) string {
	u, err := url.Parse(req.URL)
	if err != nil {
		d.fail(n.at("the address of %s is no URL", req.Name))
		return ""
	}
	if u.User != nil {
		d.fail(n.at("the address of %s holds credentials", req.Name).Because("they would reach the lock").Try("put them into netrc"))
		return ""
	}
	if u.Fragment != "" && !hashForm.MatchString(u.Fragment) {
		d.fail(n.at("the fragment of the address of %s is not allowed", req.Name).Because("allowed: #sha256=HEX"))
		return ""
	}
	file := u.Path
	if u.Opaque != "" {
		if file, err = url.PathUnescape(u.Opaque); err != nil {
			d.fail(n.at("the address of %s is no URL", req.Name))
			return ""
		}
	}
	switch {
	case u.Scheme == "file" && (u.Host == "" || u.Host == "localhost") && u.RawQuery == "":
		u.Host = ""
	case u.Scheme == "https" && u.Host != "", u.Scheme == "http" && loopback(u):
	default:
		d.fail(n.at("the address %s is not allowed", quote(req.URL)).Because("allowed: https://…, http://… on loopback, file:…"))
		return ""
	}
	w, err := tag.ParseWheel(path.Base(file))
	if err != nil {
		d.fail(n.at("%s is no wheel", quote(path.Base(file))).Because("only wheels are installed").Try(buildWheel))
		return ""
	}
	if pep508.Normalize(w.Name) != req.Name {
		d.fail(n.at("%s is a wheel of %s, not of %s", quote(path.Base(file)), w.Name, req.Name))
		return ""
	}
	if u.Scheme == "file" {
		return fileURL(d.folder(n, file), u.Fragment)
	}
	return u.String()
}

// fileURL is file:///ABSOLUTE or file:RELATIVE, with the fragment.
func fileURL(path, fragment string) string {
	text := (&url.URL{Path: path}).EscapedPath()
	if strings.HasPrefix(path, "/") {
		text = "//" + text
	}
	if fragment != "" {
		text += "#" + fragment
	}
	return "file:" + text
}
