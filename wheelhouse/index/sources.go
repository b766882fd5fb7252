package index

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"wheelwright/solver"
	"wheelwright/solver/pep508"
)

// Page is the files of a project from the one source that answers for it:
// among the sources that name the project in Packages, or else among those
// without Packages, the first that has it. A project that none has is Missing.
func (c *Client) Page(ctx context.Context, name pep508.Name) (solver.Fact, error) {
	return c.pages.do(ctx, name, func() (solver.Fact, error) { return c.ask(ctx, name, c.want) })
}

func (c *Client) ask(ctx context.Context, name pep508.Name, want *wanted) (solver.Fact, error) {
	asked := c.eligible(name)
	var without []string
	for i, at := range asked {
		src := c.sources[at]
		files, found, err := c.answers[at].files(ctx, name, want)
		if err != nil {
			return solver.Fact{}, err
		}
		if !found {
			without = append(without, fmt.Sprintf("index %s (%s) has no project %s", src.Name, plainSource(src), name))
			continue
		}
		if err := c.shadow(ctx, name, src, asked[i+1:]); err != nil {
			return solver.Fact{}, err
		}
		return solver.Fact{Page: &solver.Page{Name: name, Index: src.Name, Files: files}}, nil
	}
	if len(asked) == 0 {
		without = []string{fmt.Sprintf("no index is configured that may have %s", name)}
	}
	return solver.Fact{Missing: strings.Join(without, "; ")}, nil
}

// shadow tells which later sources do not count for a name. A folder of this
// machine is looked into, since that costs no request; of the others only how
// many names they were not asked for is kept, for Unasked.
func (c *Client) shadow(ctx context.Context, name pep508.Name, from Source, rest []int) error {
	for _, at := range rest {
		later := c.sources[at]
		if _, local := localPath(later.URL); !local {
			c.unaskedMu.Lock()
			c.unasked[at]++
			c.unaskedMu.Unlock()
			continue
		}
		_, found, err := c.answers[at].files(ctx, name, nil)
		if err != nil {
			return err
		}
		if found {
			c.note(fmt.Sprintf("%s: files come from index %s, the first that has it; %s has it too", name, from.Name, later.Name))
		}
	}
	return nil
}

// Unasked says, a line for each, which indexes were not asked for names that
// an earlier one has: a distribution never mixes two.
func (c *Client) Unasked() []string {
	c.unaskedMu.Lock()
	defer c.unaskedMu.Unlock()
	var out []string
	for _, at := range slices.Sorted(maps.Keys(c.unasked)) {
		out = append(out, fmt.Sprintf("index %s was not asked for %d distributions that an earlier index has", c.sources[at].Name, c.unasked[at]))
	}
	return out
}

// eligible lists the sources that may answer for a name, by position.
func (c *Client) eligible(name pep508.Name) []int {
	var own, general []int
	for i, s := range c.sources {
		switch {
		case len(s.Packages) == 0:
			general = append(general, i)
		case slices.Contains(s.Packages, name):
			own = append(own, i)
		}
	}
	if len(own) > 0 {
		return own
	}
	return general
}

func plainSource(s Source) string {
	if _, local := localPath(s.URL); local {
		return s.URL
	}
	return plain(s.URL)
}

// Locate gives the addresses where the index in force has a locked file: the
// same bytes under any name, or the same name where the index lists no hash.
// It is empty when the index does not have the file.
func (c *Client) Locate(ctx context.Context, name pep508.Name, filename, sha256 string) ([]string, error) {
	fact, err := c.Page(ctx, name)
	var out []string
	for whole := false; ; whole = true {
		if err != nil || fact.Page == nil {
			return nil, err
		}
		for _, f := range fact.Page.Files {
			if f.SHA256 == sha256 && sha256 != "" || f.SHA256 == "" && f.Name == filename {
				out = append(out, f.URL)
			}
		}
		if len(out) > 0 || whole || c.want == nil {
			return out, nil
		}
		fact, err = c.ask(ctx, name, nil) // a lock of another target
	}
}
