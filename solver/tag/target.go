package tag

import (
	"strconv"
)

// Python is one CPython release line, such as 3.11 or free-threaded 3.13.
type Python struct {
	Major, Minor int
	FreeThreaded bool // a build without the GIL; no effect below 3.13
}

// Target is what wheels are chosen for: CPython on Linux.
type Target struct {
	Python  Python
	Machine string // x86_64 or aarch64
	Glibc   [2]int // major, minor of glibc; 0,0: none
	Musl    [2]int // major, minor of musl; 0,0: none
}

// Tags lists the target's tags, best first: what packaging.tags.sys_tags
// gives there.
func (t Target) Tags() []Tag {
	var tags []Tag
	platforms := t.platforms()
	for _, g := range t.groups() {
		for _, p := range platforms {
			tags = append(tags, Tag{g.interpreter, g.abi, p})
		}
	}
	for _, i := range t.anyInterpreters() {
		tags = append(tags, Tag{i, "none", "any"})
	}
	return tags
}

// pair is an interpreter and an ABI; a target takes each of its pairs with
// each of its platforms.
type pair struct{ interpreter, abi string }

// groups lists the pairs that go with the platforms, best first.
func (t Target) groups() []pair {
	own := "cp" + t.Python.nodot()
	abi, stable := own, "abi3"
	if t.Python.threaded() {
		abi, stable = own+"t", "abi3t"
	}
	groups := []pair{{own, abi}, {own, stable}, {own, "none"}}
	for minor := t.Python.Minor - 1; minor >= 2; minor-- { // abi3 begins with 3.2
		groups = append(groups, pair{"cp" + Python{Major: t.Python.Major, Minor: minor}.nodot(), stable})
	}
	for _, i := range t.Python.generic() {
		groups = append(groups, pair{i, "none"})
	}
	return groups
}

// anyInterpreters lists the interpreters that go with none-any, best first.
func (t Target) anyInterpreters() []string {
	return append([]string{"cp" + t.Python.nodot()}, t.Python.generic()...)
}

// generic lists py311, py3, py310, … py30.
func (p Python) generic() []string {
	major := "py" + strconv.Itoa(p.Major)
	list := []string{"py" + p.nodot(), major}
	for minor := p.Minor - 1; minor >= 0; minor-- {
		list = append(list, major+strconv.Itoa(minor))
	}
	return list
}

func (p Python) nodot() string { return strconv.Itoa(p.Major) + strconv.Itoa(p.Minor) }

func (p Python) threaded() bool {
	return p.FreeThreaded && (p.Major > 3 || p.Major == 3 && p.Minor >= 13)
}

// lastMinor is the minor number that packaging assumes a glibc major ends with.
const lastMinor = 50

// legacy names of manylinux platforms (PEP 513, 571, 599).
var legacy = map[[2]int]string{{2, 5}: "manylinux1", {2, 12}: "manylinux2010", {2, 17}: "manylinux2014"}

// platforms lists the platforms, best first: linux_M, every manylinux down to
// the oldest of the machine, every musllinux of the same major.
func (t Target) platforms() []string {
	suffix := "_" + t.Machine
	list := []string{"linux" + suffix}
	oldest := 17
	if t.Machine == "x86_64" {
		oldest = 5
	}
	top := t.Glibc[1]
	for major := t.Glibc[0]; major >= 2; major-- {
		bottom := 0
		if major == 2 {
			bottom = oldest
		}
		for minor := top; minor >= bottom; minor-- {
			list = append(list, "manylinux_"+strconv.Itoa(major)+"_"+strconv.Itoa(minor)+suffix)
			if name := legacy[[2]int{major, minor}]; name != "" {
				list = append(list, name+suffix)
			}
		}
		top = lastMinor
	}
	if t.Musl != [2]int{} {
		for minor := t.Musl[1]; minor >= 0; minor-- {
			list = append(list, "musllinux_"+strconv.Itoa(t.Musl[0])+"_"+strconv.Itoa(minor)+suffix)
		}
	}
	return list
}
