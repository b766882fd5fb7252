package spread

import (
	"fmt"
	"io/fs"
)

// Venv lists, sorted by path, what makes the environment itself: pyvenv.cfg,
// the links bin/python, bin/python3, bin/pythonX.Y and lib64, as
// `python -m venv --without-pip --symlinks` makes them. home is the folder of
// the base interpreter in the image ("/usr/bin"), pythonFull its version
// ("3.11.2"). Left out are the activate scripts and pyvenv.cfg's command line,
// which names the machine that ran it. The scheme is taken to be one that
// Spread accepts.
func Venv(s Scheme, home, pythonFull string) []Entry {
	base := home + "/python" + s.Python
	cfg := fmt.Sprintf("home = %s\ninclude-system-site-packages = false\nversion = %s\nexecutable = %s\n", home, pythonFull, base)
	link := func(rel, target string) Entry {
		return Entry{Path: s.root() + rel, Mode: fs.ModeSymlink | 0o777, Link: target}
	}
	entries := []Entry{
		{Path: s.root() + "pyvenv.cfg", Mode: 0o644, Literal: []byte(cfg)},
		link("bin/python", base),
		link("bin/python3", "python"),
		link("bin/python"+s.Python, "python"),
		link("lib64", "lib"),
	}
	sortEntries(entries)
	return entries
}
