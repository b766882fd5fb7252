package spread

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"wheelwright/wheelhouse/whl"
)

// entryPoint is one console or gui script of entry_points.txt. On Linux both
// get the same script.
type entryPoint struct {
	name   string // file name under bin
	module string // dotted
	attr   string // dotted, called without arguments
}

// script is the text of the script, as pip 26.3 writes it.
func (s Scheme) script(p entryPoint) []byte {
	first, _, _ := strings.Cut(p.attr, ".")
	return fmt.Appendf(nil, "%simport sys\nfrom %s import %s\nif __name__ == '__main__':\n"+
		"    sys.argv[0] = sys.argv[0].removesuffix('.exe')\n    sys.exit(%s())\n", s.shebang(), p.module, first, p.attr)
}

func readEntryPoints(w *whl.Wheel) ([]entryPoint, error) {
	l := layout{wheel: w}
	name := w.DistInfo() + "/entry_points.txt"
	m, ok := w.Member(name)
	if !ok {
		return nil, nil
	}
	if m.Size > maxEntryPoints {
		return nil, l.refuse(name, "%d bytes, at most %d are read", m.Size, maxEntryPoints)
	}
	r, err := w.OpenMember(m)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	points, err := parseEntryPoints(string(text))
	if err != nil {
		return nil, l.refuse(name, "%v", err)
	}
	return points, nil
}

// reference is the object reference of an entry point. What follows it (extras
// in brackets, by the specification to be ignored) is passed over.
var reference = regexp.MustCompile(`^([\pL\pN_]+(?:\.[\pL\pN_]+)*):([\pL\pN_]+(?:\.[\pL\pN_]+)*)\s*($|[^\pL\pN_:.])`)

// parseEntryPoints reads the console_scripts and gui_scripts of
// entry_points.txt (PyPA entry points specification) in the order in which
// they are written, console first; of two with one name in a group the later
// counts, and of one name in both groups the gui script.
func parseEntryPoints(text string) ([]entryPoint, error) {
	if !utf8.ValidString(text) {
		return nil, fmt.Errorf("not UTF-8")
	}
	var groups [2][]entryPoint
	at := [2]map[string]int{{}, {}}
	group := -1
	for n, line := range strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if line[0] == '[' && line[len(line)-1] == ']' {
			group = slices.Index([]string{"console_scripts", "gui_scripts"}, strings.Trim(line, "[]"))
			continue
		}
		if group < 0 {
			continue
		}
		name, value, _ := strings.Cut(line, "=")
		p, err := parseEntryPoint(strings.TrimSpace(name), strings.TrimSpace(value))
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n+1, err)
		}
		if i, again := at[group][p.name]; again {
			groups[group][i] = p
		} else {
			at[group][p.name] = len(groups[group])
			groups[group] = append(groups[group], p)
		}
		if len(groups[group]) > maxScripts {
			return nil, fmt.Errorf("over %d scripts", maxScripts)
		}
	}
	return append(groups[0], groups[1]...), nil
}

func parseEntryPoint(name, value string) (entryPoint, error) {
	if !clean(name) || strings.ContainsAny(name, "/ \t[]") {
		return entryPoint{}, fmt.Errorf("script name %.100q is no plain file name", name)
	}
	m := reference.FindStringSubmatch(value)
	if m == nil {
		return entryPoint{}, fmt.Errorf("script %.100q: %.100q is not module:function", name, value)
	}
	return entryPoint{name, m[1], m[2]}, nil
}

// scriptNames are the file names of the scripts made for points.
func scriptNames(points []entryPoint) map[string]bool {
	names := make(map[string]bool, len(points))
	for _, p := range points {
		names[p.name] = true
	}
	return names
}

// isWrapper says whether a file of .data/scripts is one that old setuptools
// generated for an entry point, which gets a script of its own.
func isWrapper(file string, scripts map[string]bool) bool {
	for _, suffix := range []string{".exe", "-script.py", ".pya"} {
		if stem := len(file) - len(suffix); stem > 0 && strings.EqualFold(file[stem:], suffix) {
			return scripts[file[:stem]]
		}
	}
	return scripts[file]
}
