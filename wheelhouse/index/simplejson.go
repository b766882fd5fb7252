package index

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"wheelwright/solver"
)

// parseJSON reads a PEP 691 page whose address is base as it streams in,
// giving each file to add, which must not keep it.
func parseJSON(body io.Reader, base *url.URL, add func(*solver.File)) error {
	j := newJSONReader(body)
	p := &jsonFiles{j: j, base: base, add: add}
	version, listed := "", false
	j.object(func(key []byte) {
		switch string(key) {
		case "meta":
			j.ifObject(func(key []byte) {
				if string(key) == "api-version" && j.peek() == '"' {
					version = string(j.string())
				} else {
					j.skip()
				}
			})
		case "files":
			if j.peek() == 'n' { // null
				j.skip()
				return
			}
			listed = true
			j.array(p.file)
		default:
			j.skip()
		}
	})
	switch err := j.done(); {
	case p.err != nil:
		return p.err
	case err != nil:
		return fmt.Errorf("wrong JSON: %w", err)
	case version != "" && version != "1" && !strings.HasPrefix(version, "1."):
		return fmt.Errorf("version %q of the Simple API, known is 1.x", version)
	case !listed:
		return errors.New("JSON without a list of files")
	}
	return nil
}

// jsonFiles reads the elements of a page's list.
type jsonFiles struct {
	j    *jsonReader
	base *url.URL
	add  func(*solver.File)
	n    int
	err  error
}

func (p *jsonFiles) file() {
	var f solver.File
	var ref string
	var core, dist coreMetadata
	j := p.j
	p.n++
	j.object(func(key []byte) {
		switch string(key) {
		case "filename":
			f.Name = j.ifString()
		case "url":
			ref = j.ifString()
		case "hashes":
			j.ifObject(func(key []byte) {
				if string(key) == "sha256" {
					f.SHA256 = sha256Of(j.ifString())
				} else {
					j.skip()
				}
			})
		case "requires-python":
			f.RequiresPython = j.ifString()
		case "size":
			if c := j.peek(); c >= '0' && c <= '9' {
				f.Size, _ = j.number()
			} else {
				j.skip()
			}
		case "upload-time":
			if t, err := time.Parse(time.RFC3339Nano, j.ifString()); err == nil {
				f.Uploaded = t.UTC()
			}
		case "yanked":
			if f.Yanked, f.YankedReason = false, ""; j.peek() == '"' {
				f.Yanked, f.YankedReason = true, j.ifString()
			} else {
				f.Yanked = j.ifTrue()
			}
		case "core-metadata":
			core.read(j)
		case "dist-info-metadata":
			dist.read(j)
		default:
			j.skip()
		}
	})
	if j.err != nil {
		return
	}
	if f.Name == "" || ref == "" {
		p.err = fmt.Errorf("file %d has no name or no address", p.n)
		j.fail("%w", p.err)
		return
	}
	var ok bool
	if f.URL, _, ok = resolve(p.base, ref); !ok || !cleanFile(f.Name) {
		return
	}
	if !core.given {
		core = dist
	}
	f.HasMetadata, f.MetadataSHA256 = core.has, core.sha256
	p.add(&f)
}

// coreMetadata is whether FILE.metadata is there (PEP 658, 714): a bool, or
// its hashes.
type coreMetadata struct {
	given, has bool
	sha256     string
}

func (m *coreMetadata) read(j *jsonReader) {
	*m = coreMetadata{given: j.peek() != 'n'} // null says nothing
	if j.peek() != '{' {
		m.has = j.ifTrue()
		return
	}
	m.has = true
	j.object(func(key []byte) {
		if string(key) == "sha256" {
			m.sha256 = sha256Of(j.ifString())
		} else {
			j.skip()
		}
	})
}

// sha256Of is the hash in lower case; empty where it is none.
func sha256Of(text string) string {
	if text = strings.ToLower(text); !hexHash(text) {
		return ""
	}
	return text
}

// ifString is a string; another value is passed over and empty.
func (j *jsonReader) ifString() string {
	if j.peek() == '"' {
		return string(j.string())
	}
	j.skip()
	return ""
}

// ifTrue says whether the value is true, whatever it is.
func (j *jsonReader) ifTrue() bool {
	if c := j.peek(); c == 't' || c == 'f' {
		return j.literal() == "true"
	}
	j.skip()
	return false
}

// ifObject reads an object; another value is passed over.
func (j *jsonReader) ifObject(member func(key []byte)) {
	if j.peek() == '{' {
		j.object(member)
		return
	}
	j.skip()
}
