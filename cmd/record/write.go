package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"wheelwright/atomicfile"
	"wheelwright/fault"
	"wheelwright/internal/recorded"
	"wheelwright/solver"
)

// write puts the recording under dir: simple/NAME.json for every name that
// exists, recording.json, and takes away the names that it no longer has.
func write(dir string, c *crawl) error {
	m := recorded.Manifest{Since: c.since.Format(time.DateOnly), Before: c.before, Missing: []string{}}
	for _, t := range c.targets {
		m.Targets = append(m.Targets, recorded.Target{Python: t.env["python_full_version"], Machine: t.tag.Machine,
			Glibc: t.tag.Glibc})
	}
	simple := filepath.Join(dir, "simple")
	if err := os.MkdirAll(simple, 0o755); err != nil {
		return err
	}
	written := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(c.projects)) {
		p := c.projects[name]
		if p.missing {
			m.Missing = append(m.Missing, string(name))
			continue
		}
		facts := map[string]solver.Fact{}
		for _, r := range p.releases {
			if !r.kept {
				continue
			}
			m.Releases++
			maps.Copy(facts, r.facts)
		}
		page := solver.Page{Name: name, Files: p.files()}
		for _, f := range page.Files {
			m.Newest = max(m.Newest, f.Uploaded.UTC().Format(time.DateOnly))
		}
		m.Files += len(page.Files)
		m.Metadata += len(facts)
		data, err := recorded.Of(page, func(f solver.File) *solver.Fact {
			if fact, ok := facts[f.Name]; ok {
				return &fact
			}
			return nil
		}).Marshal()
		if err != nil {
			return err
		}
		file := string(name) + ".json"
		written[file] = true
		if err := atomicfile.Write(filepath.Join(simple, file), data); err != nil {
			return err
		}
	}
	m.Projects = len(written)
	if m.Files == 0 {
		return fault.New(fault.Temporary, "the index has none of the names that profiles require")
	}
	data, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return err
	}
	if err := atomicfile.Write(filepath.Join(dir, "recording.json"), append(data, '\n')); err != nil {
		return err
	}
	old, err := os.ReadDir(simple)
	if err != nil {
		return err
	}
	for _, e := range old {
		if strings.HasSuffix(e.Name(), ".json") && !written[e.Name()] {
			if err := os.Remove(filepath.Join(simple, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}
