package lock

import (
	"slices"
	"strings"
	"time"
)

// Field is one difference between what two locks say beside their packages.
type Field struct {
	Key  string // "profile", "profile-digest", "python", "machine", "glibc", "exclude-newer", "matrix", "waive", "requires-python", "environments"
	From string // empty: a does not say it
	To   string // empty: b does not say it
}

// Fields lists what changes from a to b beside the packages. What follows from
// another listed field is left out, and so is what a lock of another tool
// cannot say. The derived part is no difference.
func Fields(a, b Lock) []Field {
	var out []Field
	compare := func(key, from, to string) bool {
		if from != to {
			out = append(out, Field{key, from, to})
		}
		return from == to
	}
	samePython, sameMachine := true, true
	if ours := !a.foreign() && !b.foreign(); ours {
		if compare("profile", a.Profile, b.Profile) {
			compare("profile-digest", a.ProfileDigest, b.ProfileDigest)
		}
		samePython = compare("python", a.Target.Python, b.Target.Python)
		sameMachine = compare("machine", a.Target.Machine, b.Target.Machine)
		compare("glibc", a.Target.Glibc, b.Target.Glibc)
		compare("exclude-newer", instant(a.ExcludeNewer), instant(b.ExcludeNewer))
		compare("matrix", set(a.Matrix), set(b.Matrix))
		compare("waive", waivers(a), waivers(b))
	}
	if samePython {
		compare("requires-python", a.RequiresPython, b.RequiresPython)
	}
	if sameMachine {
		compare("environments", strings.Join(a.Environments, ", "), strings.Join(b.Environments, ", "))
	}
	return out
}

func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func set(words []string) string {
	return strings.Join(slices.Compact(slices.Sorted(slices.Values(words))), ", ")
}

func waivers(l Lock) string {
	var out []string
	for _, w := range l.Waivers {
		out = append(out, w.Rule+" of "+string(w.Package)+" ("+w.Reason+")")
	}
	return set(out)
}
