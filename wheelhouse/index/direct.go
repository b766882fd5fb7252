package index

import (
	"context"
	"net/url"
	"strings"

	"wheelwright/fault"
	"wheelwright/solver"
	"wheelwright/solver/pep508"
	"wheelwright/solver/tag"
)

// Direct is a page with the one wheel that a requirement `NAME @ URL` names.
// The wheel is fetched and hashed; Open and Metadata then read the kept copy.
// A #sha256= in the URL is held against the bytes. What is no wheel (git, a
// source archive) is refused.
func (c *Client) Direct(ctx context.Context, r pep508.Requirement) (solver.Page, error) {
	what := "requirement " + string(r.Name) + " @ " + plain(r.URL)
	refuse := func(why string) error {
		return fault.New(fault.Unsatisfiable, "%s", what).Because("%s", why).Try("build a wheel and list its folder under indexes: path")
	}
	address, fragment, _ := strings.Cut(r.URL, "#")
	u, err := url.Parse(address)
	if err != nil {
		return solver.Page{}, fault.New(fault.Input, "%s", what).Because("it is no URL")
	}
	if strings.Contains(u.Scheme, "+") {
		return solver.Page{}, refuse("version control is not read")
	}
	path, local := localPath(address)
	name := baseName(u)
	if local {
		name = path[strings.LastIndexByte(path, '/')+1:]
	}
	if !strings.HasSuffix(name, ".whl") {
		return solver.Page{}, refuse(quoteName(name) + " is no wheel")
	}
	t, err := tag.ParseWheel(name)
	if err != nil {
		return solver.Page{}, fault.New(fault.Input, "%s", what).Wrap(err)
	}
	if pep508.Normalize(t.Name) != r.Name {
		return solver.Page{}, fault.New(fault.Input, "%s", what).Because("the wheel is of %s", t.Name)
	}
	f := solver.File{Name: name, URL: address}
	for _, part := range strings.Split(fragment, "&") {
		if h, ok := strings.CutPrefix(part, "sha256="); ok {
			f.SHA256 = strings.ToLower(h)
		}
	}
	if !local {
		if u.User != nil {
			pass, _ := u.User.Password()
			c.keys.add(u, u.User.Username(), pass)
		}
		f.URL = bare(u).String()
	}
	if f, err = c.Hash(ctx, f); err != nil {
		return solver.Page{}, err
	}
	return solver.Page{Name: r.Name, Files: []solver.File{f}}, nil
}

func quoteName(s string) string {
	if s == "" {
		return "it"
	}
	return s
}
