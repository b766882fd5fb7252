package index

import (
	"errors"
	"io"
	"net/url"
	"strings"

	"golang.org/x/net/html"

	"wheelwright/solver"
)

// errNoIndex is a page that lists nothing and does not say it is an index.
var errNoIndex = errors.New("HTML with no links to distribution files")

// parseHTML reads a PEP 503 page, or a find-links page, whose address is base,
// as it streams in, giving each file to add.
func parseHTML(body io.Reader, base *url.URL, add func(*solver.File)) error {
	z := html.NewTokenizer(body)
	z.SetMaxBuf(1 << 20)
	some := false    // it lists a file
	index := false   // it says that it is an index page
	heading := false // inside title or h1
	based := false
	for {
		switch z.Next() {
		case html.ErrorToken:
			switch err := z.Err(); {
			case err != io.EOF && err != html.ErrBufferExceeded:
				return err
			case !some && !index:
				return errNoIndex
			}
			return nil
		case html.TextToken:
			if heading && strings.HasPrefix(strings.ToLower(strings.TrimSpace(string(z.Text()))), "links for") {
				index = true
			}
		case html.EndTagToken:
			heading = false
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := z.TagName()
			tag := string(name)
			heading = tag == "title" || tag == "h1"
			if !more || tag != "a" && tag != "base" && tag != "meta" {
				continue
			}
			at := attributes(z)
			switch tag {
			case "meta":
				index = index || strings.EqualFold(at["name"], "pypi:repository-version")
			case "base":
				if href, ok := at["href"]; ok && !based {
					if u, err := base.Parse(strings.TrimSpace(href)); err == nil && (u.Scheme == base.Scheme || u.Scheme == "https") {
						base, based = bare(u), true
					}
				}
			case "a":
				if f, ok := link(base, at); ok {
					some = true
					add(&f)
				}
			}
		}
	}
}

func attributes(z *html.Tokenizer) map[string]string {
	at := make(map[string]string, 4)
	for {
		k, v, more := z.TagAttr()
		if _, dup := at[string(k)]; !dup {
			at[string(k)] = string(v)
		}
		if !more {
			return at
		}
	}
}

// link makes a file of an anchor; links to other things are passed over.
func link(base *url.URL, at map[string]string) (solver.File, bool) {
	address, fragment, ok := resolve(base, strings.TrimSpace(at["href"]))
	if !ok {
		return solver.File{}, false
	}
	u, err := url.Parse(address)
	if err != nil {
		return solver.File{}, false
	}
	f := solver.File{Name: baseName(u), URL: address, RequiresPython: strings.TrimSpace(at["data-requires-python"])}
	if !cleanFile(f.Name) || !distribution(f.Name) {
		return solver.File{}, false
	}
	for _, part := range strings.Split(fragment, "&") {
		if h, ok := strings.CutPrefix(part, "sha256="); ok && hexHash(strings.ToLower(h)) {
			f.SHA256 = strings.ToLower(h)
		}
	}
	if reason, ok := at["data-yanked"]; ok {
		f.Yanked, f.YankedReason = true, reason
	}
	meta, ok := at["data-core-metadata"]
	if !ok {
		meta, ok = at["data-dist-info-metadata"]
	}
	if ok && !strings.EqualFold(meta, "false") {
		f.HasMetadata = true
		if h, ok := strings.CutPrefix(meta, "sha256="); ok && hexHash(strings.ToLower(h)) {
			f.MetadataSHA256 = strings.ToLower(h)
		}
	}
	return f, true
}

// distribution says whether a file name is a wheel's or a source archive's.
func distribution(name string) bool {
	lower := strings.ToLower(name)
	for _, ext := range []string{".whl", ".tar.gz", ".zip", ".tar.bz2", ".tgz", ".tar.xz", ".tar", ".egg", ".exe", ".msi", ".rpm", ".dmg"} {
		if strings.HasSuffix(lower, ext) {
			return true
		}
	}
	return false
}
