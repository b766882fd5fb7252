package solver

import (
	"slices"
	"strings"
)

// next is a hint drawn from what the proof rests on.
func (s *Solver) next(leaves []*statement) string {
	var missing, builds, sources, loosen []string
	put := func(list *[]string, text string) {
		if !slices.Contains(*list, text) {
			*list = append(*list, text)
		}
	}
	for _, st := range leaves {
		switch {
		case (st.kind == wants || st.kind == depends) && st.obj.missing != "" && !s.excluded(st.obj.name):
			put(&missing, string(st.obj.name))
		case st.kind == unusable && strings.HasPrefix(st.group, "is not built for"),
			st.kind == unusable && strings.HasPrefix(st.group, "has no machine code"):
			put(&builds, string(st.subj.name))
		case st.kind == unusable && st.group == "has only a source distribution":
			put(&sources, string(st.subj.name))
		}
		if (st.kind == wants || st.kind == narrows) && strings.ContainsAny(st.text, "<>=~") {
			put(&loosen, st.text)
		}
	}
	switch {
	case len(missing) > 0:
		return "check the name of " + some(missing, 3) + ", or add the index that has it under indexes"
	case len(builds) > 0:
		return "add an index with builds of " + some(builds, 3) + " for this GPU and CUDA, or ask for another CUDA"
	case len(loosen) > 0:
		return "loosen " + strings.Join(loosen[:min(4, len(loosen))], " or ")
	case len(sources) > 0:
		return "build a wheel of " + some(sources, 3) + " and list its folder under indexes: path"
	}
	return ""
}
