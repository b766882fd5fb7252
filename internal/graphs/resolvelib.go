package graphs

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"wheelwright/solver/pep440"
	"wheelwright/solver/pep508"
)

// ReadResolvelib reads a universe of the Go module deps.dev/util/resolve
// (pypi/testdata): the indexes that resolvelib's tests recorded, and others in
// that form. Each "-- Universe" becomes releases, what its root requires a
// request named ask. Releases and requirements that are no PEP 440 or PEP 508
// are left out: no resolver of today would be shown them.
func ReadResolvelib(r io.Reader, ask string) (*Graph, error) {
	g := &Graph{Projects: map[string][]Release{}}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	inside := false
	project, root := "", false
	var rel *Release
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "-- "):
			inside = strings.HasPrefix(line, "-- Universe ")
			rel = nil
			continue
		case !inside || strings.TrimSpace(line) == "" || strings.HasPrefix(strings.TrimSpace(line), "#"):
			continue
		}
		depth := len(line) - len(strings.TrimLeft(line, "\t"))
		text := line[depth:]
		switch depth {
		case 0:
			project, rel = Normal(text), nil
			root = text == "__root" || text == "root"
		case 1:
			rel = nil
			if !root && !valid(project, text) {
				continue
			}
			if root {
				rel = &Release{}
				g.Asks = append(g.Asks, Ask{Name: ask})
				continue
			}
			g.Projects[project] = append(g.Projects[project], Release{Version: text})
			rel = &g.Projects[project][len(g.Projects[project])-1]
		case 2:
			if rel == nil {
				continue
			}
			req, err := requirement(text)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", n, err)
			}
			switch _, bad := pep508.Parse(req); {
			case bad != nil:
			case root:
				a := &g.Asks[len(g.Asks)-1]
				a.Requires = append(a.Requires, req)
			default:
				rel.RequiresDist = append(rel.RequiresDist, req)
			}
		default:
			return nil, fmt.Errorf("line %d: %q stands too deep", n, text)
		}
	}
	for _, rs := range g.Projects {
		slices.SortStableFunc(rs, func(a, b Release) int { return strings.Compare(a.Version, b.Version) })
	}
	return g, lines.Err()
}

func valid(project, version string) bool {
	_, err := pep440.Parse(version)
	_, bad := pep508.ParseName(project)
	return err == nil && bad == nil && !strings.ContainsAny(version, "-_")
}

// requirement makes `Environment "M" EnabledDependencies X,Y|NAME@SPEC` a
// requirement as METADATA has it.
func requirement(text string) (string, error) {
	head, rest, ok := cutOutside(text)
	if !ok {
		head, rest = "", text
	}
	name, spec, ok := strings.Cut(rest, "@")
	if !ok {
		return "", fmt.Errorf("%q is no NAME@SPECIFIERS", text)
	}
	marker, extras := "", ""
	for head = strings.TrimSpace(head); head != ""; head = strings.TrimSpace(head) {
		key, more, _ := strings.Cut(head, " ")
		value := more
		if strings.HasPrefix(more, `"`) {
			end := 1
			for end < len(more) && more[end] != '"' {
				if more[end] == '\\' {
					end++
				}
				end++
			}
			if end >= len(more) {
				return "", fmt.Errorf("%q: a text does not end", text)
			}
			value, head = strings.ReplaceAll(more[1:end], `\"`, `"`), more[end+1:]
		} else {
			value, head, _ = strings.Cut(more, " ")
		}
		switch key {
		case "Environment":
			marker = " ; " + value
		case "EnabledDependencies":
			extras = "[" + value + "]"
		default:
			return "", fmt.Errorf("%q: %s is not known", text, key)
		}
	}
	return name + extras + spec + marker, nil
}

// cutOutside cuts at the first bar that stands in no quotes.
func cutOutside(s string) (before, after string, ok bool) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quoted:
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == '|' && !quoted:
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}
