package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"wheelwright/solver"
	"wheelwright/solver/pep440"
	"wheelwright/solver/pep508"
)

// parallel bounds the requests at a time.
const parallel = 32

// source is where pages and METADATA come from; *index.Client is one.
type source interface {
	Page(context.Context, pep508.Name) (solver.Fact, error)
	Metadata(context.Context, pep508.Name, solver.File) (solver.Fact, error)
}

// crawl closes a set of names over what their kept releases require.
type crawl struct {
	source   source
	targets  []target
	since    time.Time
	before   int
	log      func(string)
	projects map[pep508.Name]*project
	parsed   map[string]*pep508.Requirement // by text; nil: cannot be read
	followed map[string]bool                // requirements taken account of, by text
}

func newCrawl(s source, targets []target, since time.Time, before int) *crawl {
	return &crawl{source: s, targets: targets, since: since, before: before, log: func(string) {},
		projects: map[pep508.Name]*project{}, parsed: map[string]*pep508.Requirement{}, followed: map[string]bool{}}
}

// run reads pages and METADATA in rounds until a round asks for nothing new.
func (c *crawl) run(ctx context.Context, seeds []pep508.Requirement) error {
	reqs := seeds
	for round := 1; ; round++ {
		names := c.unknown(reqs)
		if err := c.readPages(ctx, names); err != nil {
			return err
		}
		widened := c.follow(reqs)
		read, err := c.readMetadata(ctx)
		if err != nil {
			return err
		}
		c.log(fmt.Sprintf("round %d: %d new names, %d METADATA read, %d names, %d releases kept",
			round, len(names), read, len(c.projects), c.kept()))
		if len(names) == 0 && read == 0 && !widened {
			return nil
		}
		reqs = append(slices.Clone(seeds), c.active()...)
	}
}

func (c *crawl) unknown(reqs []pep508.Requirement) []pep508.Name {
	set := map[pep508.Name]bool{}
	for _, r := range reqs {
		if c.projects[r.Name] == nil && r.URL == "" {
			set[r.Name] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

func (c *crawl) readPages(ctx context.Context, names []pep508.Name) error {
	read := make([]*project, len(names))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for i, name := range names {
		group.Go(func() error {
			fact, err := c.source.Page(ctx, name)
			if err != nil {
				return fmt.Errorf("page of %s: %w", name, err)
			}
			if fact.Page == nil {
				read[i] = &project{page: solver.Page{Name: name}, missing: true, extras: map[pep508.Name]bool{}}
				return nil
			}
			read[i] = readProject(*fact.Page, c.targets)
			read[i].keepByAge(c.since, c.before)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i, name := range names {
		c.projects[name] = read[i]
	}
	return nil
}

// follow takes account of requirements: the extras they ask for, and for one
// that no release kept by age can meet, the newest release that does. It
// says whether that asks for more.
func (c *crawl) follow(reqs []pep508.Requirement) bool {
	widened := false
	for _, r := range reqs {
		p := c.projects[r.Name]
		if p == nil || p.missing {
			continue
		}
		for _, x := range r.Extras {
			widened = widened || !p.extras[x]
			p.extras[x] = true
		}
		key := string(r.Name) + " " + r.Specifiers.String()
		if c.followed[key] {
			continue
		}
		c.followed[key] = true
		if add := p.meet(r.Specifiers); add != nil && !add.kept {
			add.kept = true
			widened = true
		}
	}
	return widened
}

// meet is the release to keep for s: nil when one kept by age meets it or no
// usable release does. Stable before pre-release, yanked last.
func (p *project) meet(s pep440.Specifiers) *release {
	worth := func(r *release) int {
		switch {
		case r.yanked:
			return 2
		case r.version.IsPrerelease():
			return 1
		}
		return 0
	}
	var best *release
	for _, r := range p.releases {
		if len(r.best) == 0 || !s.Match(r.version) {
			continue
		}
		if r.byAge && worth(r) == 0 {
			return nil
		}
		if best == nil || worth(r) < worth(best) {
			best = r
		}
	}
	return best
}

// readMetadata reads METADATA of every wheel of kept releases not read yet.
func (c *crawl) readMetadata(ctx context.Context) (int, error) {
	type job struct {
		name pep508.Name
		r    *release
		f    solver.File
		fact solver.Fact
	}
	var jobs []*job
	for name, p := range c.projects {
		for _, r := range p.releases {
			for _, f := range r.best {
				if _, done := r.facts[f.Name]; r.kept && !done {
					jobs = append(jobs, &job{name: name, r: r, f: f})
				}
			}
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for _, j := range jobs {
		group.Go(func() (err error) {
			if j.fact, err = c.source.Metadata(ctx, j.name, j.f); err != nil {
				return fmt.Errorf("METADATA of %s: %w", j.f.Name, err)
			}
			return nil
		})
	}
	err := group.Wait()
	for _, j := range jobs {
		if err == nil {
			j.r.facts[j.f.Name] = j.fact
		}
	}
	return len(jobs), err
}

// active is every requirement of a kept release that holds for a target,
// with no extra or one that somebody asks for.
func (c *crawl) active() []pep508.Requirement {
	var out []pep508.Requirement
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(c.projects)) {
		p := c.projects[name]
		extras := append([]pep508.Name{""}, slices.Sorted(maps.Keys(p.extras))...)
		for _, r := range p.releases {
			for _, f := range r.best {
				fact, ok := r.facts[f.Name]
				if !ok || fact.Metadata == nil {
					continue
				}
				for _, text := range fact.Metadata.RequiresDist {
					req := c.parse(text)
					if req == nil {
						continue
					}
					key := text
					if req.Marker.UsesExtra() {
						key = string(name) + ": " + text
					}
					if !seen[key] {
						seen[key] = true
						if c.holds(*req, extras) {
							out = append(out, *req)
						}
					}
				}
			}
		}
	}
	return out
}

func (c *crawl) parse(text string) *pep508.Requirement {
	r, known := c.parsed[text]
	if !known {
		if q, err := pep508.Parse(text); err == nil {
			r = &q
		} else {
			c.log(fmt.Sprintf("left out, no requirement: %v", err))
		}
		c.parsed[text] = r
	}
	return r
}

func (c *crawl) holds(r pep508.Requirement, extras []pep508.Name) bool {
	for _, t := range c.targets {
		if !r.Marker.UsesExtra() {
			if r.Marker.Eval(t.env, "") {
				return true
			}
			continue
		}
		for _, x := range extras {
			if r.Marker.Eval(t.env, x) {
				return true
			}
		}
	}
	return false
}

func (c *crawl) kept() (n int) {
	for _, p := range c.projects {
		for _, r := range p.releases {
			if r.kept {
				n++
			}
		}
	}
	return n
}
