// Package graphs holds recorded dependency graphs and serves them as package
// indexes on loopback, so that two resolvers can be timed and compared on the
// same requests. testdata/graphs/README.md says where each graph is from. No
// build of it enters the program.
//
// A graph is a text, mostly gzipped (NAME.txt.gz), of lines with fields apart
// by tabs:
//
//	# a comment
//	python	3.11                               that its requests are for
//	ask	chalice	chalice>=1.12	pip<20     a request: its name, its requirements
//	@attrs                                 a distribution; its releases follow
//	19.3.0	|>=3.5	zope.interface ; extra == "tests"
//
// A release is a version, perhaps Requires-Python after a bar, and its
// Requires-Dist values. Its one file is a wheel for every Python and platform;
// Provides-Extra are the extras that its markers name.
package graphs

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Graph is a recorded package index and requests to it.
type Graph struct {
	Name     string // of its file, without .txt.gz
	Python   string // that its requests are for, X.Y; empty: none is named
	Asks     []Ask
	Projects map[string][]Release // by normalised name
}

// Ask is one request.
type Ask struct {
	Name     string
	Requires []string
}

// Release is one version of a distribution.
type Release struct {
	Version        string
	RequiresPython string
	RequiresDist   []string
}

// limitText bounds a graph unpacked.
const limitText = 256 << 20

// Open reads the graph in the file at path.
func Open(path string) (*Graph, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var r io.Reader = f
	name := filepath.Base(path)
	if short, ok := strings.CutSuffix(name, ".gz"); ok {
		name = short
		if r, err = gzip.NewReader(f); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	g, err := Read(io.LimitReader(r, limitText))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	g.Name = strings.TrimSuffix(name, ".txt")
	return g, nil
}

// Read reads a graph's text.
func Read(r io.Reader) (*Graph, error) {
	g := &Graph{Projects: map[string][]Release{}}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	project := ""
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		if line == "" || line[0] == '#' {
			continue
		}
		if name, ok := strings.CutPrefix(line, "@"); ok {
			if _, twice := g.Projects[name]; twice || Normal(name) != name {
				return nil, fmt.Errorf("line %d: distribution %q stands twice or is not normalised", n, name)
			}
			g.Projects[name] = nil
			project = name
			continue
		}
		fields := strings.Split(line, "\t")
		if fields[0] == "python" && len(fields) == 2 {
			g.Python = fields[1]
			continue
		}
		if fields[0] == "ask" {
			if len(fields) < 3 {
				return nil, fmt.Errorf("line %d: a request has a name and requirements", n)
			}
			g.Asks = append(g.Asks, Ask{fields[1], fields[2:]})
			continue
		}
		if project == "" {
			return nil, fmt.Errorf("line %d: release %q before any distribution", n, fields[0])
		}
		rel := Release{Version: fields[0], RequiresDist: fields[1:]}
		if len(fields) > 1 {
			if python, ok := strings.CutPrefix(fields[1], "|"); ok {
				rel.RequiresPython, rel.RequiresDist = python, fields[2:]
			}
		}
		g.Projects[project] = append(g.Projects[project], rel)
	}
	return g, lines.Err()
}

// Write writes the graph as Read reads it: distributions by name, releases in
// the order given.
func (g *Graph) Write(w io.Writer) error {
	b := bufio.NewWriter(w)
	if g.Python != "" {
		fmt.Fprintf(b, "python\t%s\n", g.Python)
	}
	for _, a := range g.Asks {
		fmt.Fprintf(b, "ask\t%s\t%s\n", a.Name, strings.Join(a.Requires, "\t"))
	}
	for _, name := range g.Names() {
		fmt.Fprintf(b, "@%s\n", name)
		for _, r := range g.Projects[name] {
			b.WriteString(r.Version)
			if r.RequiresPython != "" {
				b.WriteString("\t|" + r.RequiresPython)
			}
			for _, d := range r.RequiresDist {
				b.WriteString("\t" + d)
			}
			b.WriteByte('\n')
		}
	}
	return b.Flush()
}

// Names lists the distributions.
func (g *Graph) Names() []string {
	names := make([]string, 0, len(g.Projects))
	for n := range g.Projects {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// Releases counts them all.
func (g *Graph) Releases() (n int) {
	for _, rs := range g.Projects {
		n += len(rs)
	}
	return n
}

var runs = regexp.MustCompile(`[-_.]+`)

// Normal is a distribution's name as PEP 503 normalises it.
func Normal(name string) string { return strings.ToLower(runs.ReplaceAllString(name, "-")) }
