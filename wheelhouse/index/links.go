package index

import (
	"context"
	"strings"
	"sync"

	"wheelwright/fault"
	"wheelwright/solver"
	"wheelwright/solver/pep508"
	"wheelwright/solver/tag"
)

// links is a find-links page over HTTP: it is asked for once and cut by project.
type links struct {
	c   *Client
	src Source

	mu  sync.Mutex
	all []solver.File
	got bool
}

func (l *links) files(ctx context.Context, name pep508.Name, _ *wanted) ([]solver.File, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.got {
		all, e, err := l.c.page(ctx, task{what: "find-links page " + l.src.Name, address: l.src.URL,
			accept: "text/html, application/xhtml+xml;q=0.9, */*;q=0.1", limit: maxPage, expect: "an HTML page with links to files"}, nil)
		if err != nil {
			return nil, false, err
		}
		if e.missing {
			return nil, false, fault.New(fault.Input, "find-links page %s", plain(l.src.URL)).Because("its server has no such page").Try("check the address")
		}
		l.all, l.got = all, true
	}
	mine := ofProject(l.all, name)
	return mine, len(mine) > 0, nil
}

// ofProject picks the files of one project out of a mixed list.
func ofProject(files []solver.File, name pep508.Name) []solver.File {
	var out []solver.File
	for _, f := range files {
		if belongs(f.Name, name) {
			out = append(out, f)
		}
	}
	return out
}

// belongs says whether a file name is of the project. A source archive's
// name ends where its version begins, which the name alone does not say: the
// split before the first digit after a dash is tried.
func belongs(file string, name pep508.Name) bool {
	if strings.HasSuffix(strings.ToLower(file), ".whl") {
		w, err := tag.ParseWheel(file)
		return err == nil && pep508.Normalize(w.Name) == name
	}
	for i := 1; i < len(file)-1; i++ {
		if file[i] == '-' && file[i+1] >= '0' && file[i+1] <= '9' && pep508.Normalize(file[:i]) == name {
			return true
		}
	}
	return false
}
