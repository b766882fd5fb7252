package index

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"wheelwright/solver"
)

// jsonPage is PEP 691 as far as it is read.
type jsonPage struct {
	Meta struct {
		Version string `json:"api-version"`
	} `json:"meta"`
	Files *[]jsonFile `json:"files"`
}

type jsonFile struct {
	Name   string `json:"filename"`
	URL    string `json:"url"`
	Hashes struct {
		SHA256 string `json:"sha256"`
	} `json:"hashes"`
	RequiresPython *string `json:"requires-python"`
	Size           int64   `json:"size"`
	Uploaded       string  `json:"upload-time"`
	Yanked         any     `json:"yanked"`        // bool, or the reason
	Core           any     `json:"core-metadata"` // bool, or hashes
	DistInfo       any     `json:"dist-info-metadata"`
}

// parseJSON reads a PEP 691 page whose address is base.
func parseJSON(body []byte, base *url.URL) ([]solver.File, error) {
	var p jsonPage
	if err := json.Unmarshal(body, &p); err != nil {
		return nil, fmt.Errorf("wrong JSON: %w", err)
	}
	if v := p.Meta.Version; v != "" && v != "1" && !strings.HasPrefix(v, "1.") {
		return nil, fmt.Errorf("version %q of the Simple API, known is 1.x", v)
	}
	if p.Files == nil {
		return nil, errors.New("JSON without a list of files")
	}
	out := make([]solver.File, 0, len(*p.Files))
	for i := range *p.Files {
		j := &(*p.Files)[i]
		if j.Name == "" || j.URL == "" {
			return nil, fmt.Errorf("file %d has no name or no address", i+1)
		}
		f := solver.File{Name: j.Name, Size: max(j.Size, 0)}
		var ok bool
		if f.URL, _, ok = resolve(base, j.URL); !ok || !cleanFile(f.Name) {
			continue
		}
		if h := strings.ToLower(j.Hashes.SHA256); hexHash(h) {
			f.SHA256 = h
		}
		if j.RequiresPython != nil {
			f.RequiresPython = *j.RequiresPython
		}
		if t, err := time.Parse(time.RFC3339Nano, j.Uploaded); err == nil {
			f.Uploaded = t.UTC()
		}
		switch y := j.Yanked.(type) {
		case bool:
			f.Yanked = y
		case string:
			f.Yanked, f.YankedReason = true, y
		}
		if j.Core == nil {
			j.Core = j.DistInfo
		}
		switch m := j.Core.(type) {
		case bool:
			f.HasMetadata = m
		case map[string]any:
			f.HasMetadata = true
			if h, _ := m["sha256"].(string); hexHash(strings.ToLower(h)) {
				f.MetadataSHA256 = strings.ToLower(h)
			}
		}
		out = append(out, f)
	}
	return out, nil
}

// resolve makes a listed address absolute, without credentials and fragment;
// the fragment is given apart.
func resolve(base *url.URL, ref string) (address, fragment string, ok bool) {
	ref, fragment, _ = strings.Cut(ref, "#")
	if rest, abs := strings.CutPrefix(ref, "https://"); abs && plainRest(rest) {
		return ref, fragment, true
	}
	u, err := base.Parse(ref)
	if err != nil {
		return "", "", false
	}
	switch u.Scheme {
	case "http", "https":
		if u.Host == "" {
			return "", "", false
		}
	case "file":
		// A page from the network never points into this machine.
		if base.Scheme != "file" {
			return "", "", false
		}
	default:
		return "", "", false
	}
	return bare(u).String(), fragment, true
}

// plainRest says whether what follows https:// needs no parsing: a host with
// no credentials and a path of unreserved or escaped characters.
func plainRest(s string) bool {
	slash := strings.IndexByte(s, '/')
	if slash <= 0 {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9':
		case c == '-' || c == '.' || c == '_':
			if i+1 < len(s) && c == '.' && s[i+1] == '.' {
				return false
			}
		case i > slash && (c == '/' || c == '+' || c == '~'):
		case i == slash:
		default:
			return false
		}
	}
	return true
}
