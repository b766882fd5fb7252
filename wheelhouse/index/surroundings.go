package index

import (
	"strings"
)

// surroundings is what fills the place of the default index.
type surroundings struct {
	sources []Source
	won     string // one line
	set     string // what sets the default index, where anything does
}

// setting is one value and where it was found.
type setting struct{ value, from string }

// first is the first of some settings that has a value, and where the others
// that have one stand.
func first(all ...setting) (won setting, lost []string) {
	for _, s := range all {
		switch {
		case strings.TrimSpace(s.value) == "":
		case won.value == "":
			won = s
		default:
			lost = append(lost, s.from)
		}
	}
	return won, lost
}

func (c *configurer) env(name string) setting { return setting{c.o.Env(name), name} }

func (c *configurer) file(key string) setting {
	return setting{c.pip.value[key], key + " of " + c.pip.file[key]}
}

// surroundings reads the command line, the environment and pip's files, in
// that order.
func (c *configurer) surroundings() (surroundings, error) {
	public, _ := WellKnown(DefaultName)
	won, lost := first(setting{c.o.IndexURL, "--index-url"}, c.env("UV_DEFAULT_INDEX"), c.env("UV_INDEX_URL"),
		c.env("PIP_INDEX_URL"), c.file("index-url"))
	out := surroundings{set: won.from}
	if won.value == "" {
		won = setting{DefaultName + "=" + public, "the default"}
	}
	main, err := c.named(won, Simple)
	if err != nil {
		return out, err
	}
	out.won = "index " + main.URL + ": " + won.from
	if main.URL == public {
		out.won = "index " + DefaultName + " (public): " + won.from
	}
	if len(lost) > 0 {
		out.won += ", over " + strings.Join(lost, ", ")
	}
	if c.o.IndexURL != "" {
		out.sources = []Source{main}
		return out, nil
	}

	extras, extraFrom, err := c.several(Simple, c.env("UV_INDEX"), c.env("UV_EXTRA_INDEX_URL"), pipFirst(c.env("PIP_EXTRA_INDEX_URL"), c.file("extra-index-url")))
	if err != nil {
		return out, err
	}
	links, linkFrom, err := c.several(FindLinks, c.env("UV_FIND_LINKS"), pipFirst(c.env("PIP_FIND_LINKS"), c.file("find-links")))
	if err != nil {
		return out, err
	}
	if no, _ := first(truthful(c.env("UV_NO_INDEX")), truthful(pipFirst(c.env("PIP_NO_INDEX"), c.file("no-index")))); no.value != "" {
		out.sources, out.set = links, no.from
		out.won = "no index: " + no.from
		if len(linkFrom) > 0 {
			out.won += "; files from " + strings.Join(linkFrom, ", ")
		}
		return out, nil
	}
	out.sources = append(append(extras, main), links...)
	if len(extraFrom) > 0 {
		out.won += "; before it " + strings.Join(extraFrom, ", ")
	}
	if len(linkFrom) > 0 {
		out.won += "; after it " + strings.Join(linkFrom, ", ")
	}
	return out, nil
}

// pipFirst is a pip option: the environment's value hides the files'.
func pipFirst(env, file setting) setting {
	s, _ := first(env, file)
	return s
}

func truthful(s setting) setting {
	if !truth(s.value) {
		s.value = ""
	}
	return s
}

// several reads settings of many addresses, and says which gave any.
func (c *configurer) several(kind Kind, all ...setting) (out []Source, from []string, err error) {
	for _, s := range all {
		some := false
		for _, one := range strings.FieldsFunc(s.value, separates(s.from, kind)) {
			src, err := c.named(setting{one, s.from}, kind)
			if err != nil {
				return nil, nil, err
			}
			if kind == FindLinks && c.missing(src, s.from) {
				continue
			}
			out, some = append(out, src), true
		}
		if some {
			from = append(from, s.from)
		}
	}
	return out, from, nil
}

// separates: pip parts addresses by white space, and so does uv but for
// UV_FIND_LINKS, where it is a comma.
func separates(from string, kind Kind) func(rune) bool {
	return func(r rune) bool {
		return r == ' ' || r == '\t' || r == '\n' || r == '\r' || kind == FindLinks && r == ',' && from == "UV_FIND_LINKS"
	}
}

// named reads an address which, where uv or this program defines the
// setting, may be NAME=URL.
func (c *configurer) named(s setting, kind Kind) (Source, error) {
	raw, name := strings.TrimSpace(s.value), ""
	if before, after, ok := strings.Cut(raw, "="); ok && kind == Simple && variable(before) != "" && !strings.ContainsAny(before, ":/.@?") {
		name, raw = before, after
	}
	src, err := place(raw, kind, s.from, c.o.Home)
	if err != nil {
		return src, err
	}
	if name != "" {
		src.Name = name
	}
	return src, nil
}
