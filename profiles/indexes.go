package profiles

import (
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
)

var indexForm = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?$`)

// indexes reads the list of indexes: names and reserved packages are unique.
func (d *decoder) indexes(n *node) []Index {
	var out []Index
	names, owners := map[string]bool{}, map[string]int{}
	for _, item := range d.list(n) {
		i := d.index(item)
		if i.Name != "" && names[i.Name] {
			d.fail(item.at("a second index named %s", quote(i.Name)))
		}
		names[i.Name] = true
		for _, p := range i.Packages {
			if owner, twice := owners[p]; twice {
				d.fail(item.named["packages"].at("%s comes only from %s already", p, describe(out[owner])).
					Because("a package listed under packages comes from that one index"))
			}
			owners[p] = len(out)
		}
		out = append(out, i)
	}
	return out
}

func describe(i Index) string {
	switch {
	case i.Name != "":
		return "index " + i.Name
	case i.Path != "":
		return "path " + i.Path
	case i.FindLinks != "":
		return "find-links " + i.FindLinks
	}
	return i.URL
}

func (d *decoder) index(n *node) Index {
	d.keys(n, "name", "url", "path", "find-links", "packages", "undated")
	if n.kind != mapNode {
		return Index{}
	}
	k := n.named
	i := Index{Name: d.text(k["name"], ""), Packages: d.packageNames(k["packages"])}
	d.check(k["name"], i.Name, unless(indexForm.MatchString(i.Name), "the name of an index is made of letters, digits, ., _ and -"))
	i.Undated = d.oneOf(k["undated"], "", UndatedAllow)
	if list := k["packages"]; list != nil && len(i.Packages) == 0 {
		d.fail(list.at("empty").Because("without packages an index serves any name; leave the key out"))
	}
	var places []string
	for _, key := range []string{"url", "path", "find-links"} {
		if k[key] != nil {
			places = append(places, key)
		}
	}
	if len(places) > 1 || len(places) == 0 && i.Name == "" {
		d.fail(n.at("want one place, this has %d", len(places)).Because("an index is {name, url}, {path}, {find-links}, or {name} of a well-known index"))
	}
	if url := k["url"]; url != nil {
		if i.Name == "" {
			d.fail(n.at("name is missing").Because("an index with a url has a name, for credentials, --index NAME=URL and messages"))
		}
		i.URL = d.place(url, false, &i)
	}
	if folder := k["path"]; folder != nil {
		if s := d.text(folder, ""); strings.Contains(s, "://") {
			d.fail(folder.at("want a folder, this is a URL").Try("write find-links, or url with a name"))
		} else {
			i.Path = d.folder(folder, s)
		}
	}
	if links := k["find-links"]; links != nil {
		i.FindLinks = d.place(links, true, &i)
	}
	return i
}

// place is a URL or a folder; its credentials go to i. bare says whether a
// folder may be written without ./ in front.
func (d *decoder) place(n *node, bare bool, i *Index) string {
	s := d.text(n, "")
	if d.err != nil {
		return ""
	}
	if !strings.Contains(s, "://") && !strings.HasPrefix(s, "file:") {
		if !bare && !strings.HasPrefix(s, "./") && !strings.HasPrefix(s, "../") && !strings.HasPrefix(s, "/") {
			d.fail(n.at("%s is neither a URL nor a folder", quote(s)).Because("allowed: https://…, http://… on loopback, file:///…, /folder, ./folder, ../folder"))
		}
		return d.folder(n, s)
	}
	u, err := url.Parse(s)
	if err != nil || u.Opaque != "" || u.Fragment != "" {
		d.fail(n.at("not a URL").Because("allowed: https://HOST/…, http://… on loopback, file:///…, without fragment"))
		return ""
	}
	switch {
	case u.Scheme == "file" && (u.Host == "" || u.Host == "localhost") && u.User == nil:
		return d.folder(n, u.Path)
	case u.Scheme == "https" && u.Host != "", u.Scheme == "http" && loopback(u):
	default:
		d.fail(n.at("the address %s is not allowed", quote(s)).Because("allowed: https://HOST/…, http://… on loopback, file:///…"))
		return ""
	}
	if u.User != nil {
		i.user = u.User.Username()
		i.password, _ = u.User.Password()
		u.User = nil
	}
	return u.String()
}

func loopback(u *url.URL) bool {
	host := u.Hostname()
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// folder is a path that n says, relative to the file n stands in: absolute,
// or relative to the top profile's folder with ./ or ../ in front. A path
// written absolute stays so.
func (d *decoder) folder(n *node, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	abs := filepath.Join(n.src.dir, path)
	if d.absolute {
		return abs
	}
	rel, err := filepath.Rel(d.top, abs)
	if err != nil {
		return abs
	}
	if rel = filepath.ToSlash(rel); rel != ".." && !strings.HasPrefix(rel, "../") {
		rel = "./" + rel
	}
	return rel
}
