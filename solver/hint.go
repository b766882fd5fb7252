package solver

import (
	"slices"
	"strings"
)

// hint is one kind of way out of a conflict, for the names or requirements
// that it concerns.
type hint int

const (
	hintMissing  hint = iota
	hintExcluded      // the user's own words first: they are the quickest to change
	hintPrerelease
	hintUntil
	hintLoosen
	hintDirect
	hintBuilds
	hintURL
	hintSources
	hintYanked
	hintTarget
	hints
)

// limitHints bounds the ways out that are told, and limitNames the names in one.
const limitHints, limitNames = 3, 4

// text is the hint in words.
func (h hint) text(of []string) string {
	names := some(of, limitNames)
	switch h {
	case hintMissing:
		return "check the name of " + names + ", or add the index that has it under indexes"
	case hintExcluded:
		return "take " + names + " out of exclude"
	case hintPrerelease:
		return "set prerelease: if-necessary, or pin a pre-release of " + names + " exactly"
	case hintUntil:
		return "leave --exclude-newer out, or give it a later date; undated: allow admits files of an index that has no dates"
	case hintLoosen:
		return "loosen " + strings.Join(of[:min(limitNames, len(of))], " or ")
	case hintDirect:
		return "ask for another wheel of " + names
	case hintBuilds:
		return "add an index with builds of " + names + " for this GPU and CUDA, or ask for another CUDA"
	case hintURL:
		return "put what " + names + " " + agreed("requires ", len(of) > 1) + "from a URL under requires, as NAME @ URL"
	case hintSources:
		return "build a wheel of " + names + " and list its folder under indexes: path"
	case hintYanked:
		return "pin " + names + " exactly to take a yanked release"
	case hintTarget:
		return "ask for another Python or platform, or build a wheel of " + names + " and list its folder under indexes: path"
	}
	return ""
}

// groups is which hint a release that cannot be used calls for, by how the
// predicate begins.
var groups = []struct {
	begins string
	hint   hint
}{
	{"is excluded", hintExcluded},
	{"is a pre-release", hintPrerelease},
	{"was uploaded after", hintUntil},
	{"has no upload date", hintUntil},
	{"is not built for", hintBuilds},
	{"has no machine code", hintBuilds},
	{"requires a URL", hintURL},
	{"has only a source distribution", hintSources},
	{"is yanked", hintYanked},
	{"requires Python", hintTarget},
	{"has no wheel for", hintTarget},
}

func hintOf(group string) hint {
	for _, g := range groups {
		if strings.HasPrefix(group, g.begins) {
			return g.hint
		}
	}
	return hints
}

// newest is the place of the newest release that cannot be used, counted from the oldest.
func (m *member) newest() int {
	in := m.in()
	for at := len(m.subj.rising) - 1; at >= 0 && in != nil; at-- {
		if in.Has(m.subj.rising[at]) {
			return at
		}
	}
	return len(m.subj.rising) // all of them
}

// next is what to do, drawn from what the proof rests on: taking away any of
// it takes the proof away. What the user wrote comes before what others
// published, and of the latter only the first kind is told. Of one
// distribution, what rules out its newest release counts: nobody wants the
// oldest.
func (s *Solver) next(core []*member) string {
	var of [hints][]string
	put := func(h hint, text string) {
		if h < hints && !slices.Contains(of[h], text) {
			of[h] = append(of[h], text)
		}
	}
	newest := map[*dist]int{}
	for _, m := range core {
		if m.kind == unusable {
			newest[m.subj] = max(newest[m.subj], m.newest())
		}
	}
	for _, m := range core {
		switch m.kind {
		case wants, depends:
			name := string(m.obj.name)
			switch {
			case m.obj.missing == "":
			case s.excluded(m.obj.name):
				put(hintExcluded, name)
			default:
				put(hintMissing, name)
			}
			if s.direct[m.obj.name] != "" {
				put(hintDirect, name)
			}
		case unusable:
			if m.newest() == newest[m.subj] {
				put(hintOf(m.group), string(m.subj.name))
			}
		}
		if (m.kind == wants || m.kind == narrows || m.overridden) && strings.ContainsAny(m.text, "<>=~") && s.direct[m.obj.name] == "" {
			put(hintLoosen, m.text)
		}
	}
	if len(of[hintMissing]) > 0 {
		return hintMissing.text(of[hintMissing])
	}
	var ways []string
	for h := hintExcluded; h < hints && len(ways) < limitHints; h++ {
		if len(of[h]) == 0 {
			continue
		}
		ways = append(ways, h.text(of[h]))
		if h >= hintBuilds {
			break
		}
	}
	return strings.Join(ways, "; or ")
}
