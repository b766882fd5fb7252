package index

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"

	"gopkg.in/ini.v1"

	"wheelwright/fault"
)

// pipConf is what pip's configuration files say, the winning value of each
// key. Keys are in pip's spelling: "extra-index-url".
type pipConf struct {
	value map[string]string
	file  map[string]string // where the value stands
}

// pipFiles are the files that pip would read, weakest first. PIP_CONFIG_FILE
// takes the place of the user's own files; the null device means none at all.
// sys.prefix/pip.conf belongs to one Python and is not read.
func pipFiles(o Options) []string {
	own := o.Env("PIP_CONFIG_FILE")
	if own == os.DevNull {
		return nil
	}
	var files []string
	if dirs := o.Env("XDG_CONFIG_DIRS"); dirs != "" {
		list := filepath.SplitList(dirs)
		for i := len(list) - 1; i >= 0; i-- { // the first is the most important
			files = append(files, filepath.Join(list[i], "pip", "pip.conf"))
		}
	} else {
		files = append(files, filepath.Join(o.System, "xdg", "pip", "pip.conf"))
	}
	files = append(files, filepath.Join(o.System, "pip.conf"))
	if own != "" {
		if _, err := os.Stat(own); err == nil {
			return append(files, own)
		}
	}
	if o.Home != "" {
		files = append(files, filepath.Join(o.Home, ".pip", "pip.conf"))
	}
	if xdg := o.Env("XDG_CONFIG_HOME"); xdg != "" {
		files = append(files, filepath.Join(xdg, "pip", "pip.conf"))
	} else if o.Home != "" {
		files = append(files, filepath.Join(o.Home, ".config", "pip", "pip.conf"))
	}
	return files
}

// readPip reads pip's files. As with pip, [install] of any file outranks
// [global] of every file.
func readPip(o Options) (pipConf, error) {
	c := pipConf{map[string]string{}, map[string]string{}}
	files := pipFiles(o)
	parsed := make([]*ini.File, len(files))
	for i, path := range files {
		data, ok, err := readConfig(path)
		if err != nil {
			return c, err
		}
		if !ok {
			continue
		}
		if parsed[i], err = parsePip(data); err != nil {
			// The cause may quote a line that holds a password.
			return c, fault.New(fault.Input, "pip configuration %s is malformed", path).
				Because("expected: sections in brackets and lines KEY = VALUE").
				Try("pip config debug shows what pip reads; PIP_CONFIG_FILE=%s sets all such files aside", os.DevNull)
		}
	}
	for _, section := range []string{"global", "install"} {
		for i, f := range parsed {
			if f == nil {
				continue
			}
			for key, value := range pipSection(f, section) {
				c.value[key], c.file[key] = value, files[i]
			}
		}
	}
	return c, nil
}

// parsePip reads the dialect of Python's RawConfigParser: no inline comments,
// no interpolation, no quotes, values that go on in indented lines.
func parsePip(data []byte) (f *ini.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			f, err = nil, fault.New(fault.Input, "unreadable")
		}
	}()
	// The library ends a value at an empty line, Python does not.
	var kept [][]byte
	for line := range bytes.Lines(data) {
		if text := bytes.TrimSpace(line); len(text) > 0 && text[0] != '#' && text[0] != ';' {
			kept = append(kept, bytes.TrimRight(line, "\r\n"))
		}
	}
	return ini.LoadSources(ini.LoadOptions{
		InsensitiveKeys:            true,
		IgnoreInlineComment:        true,
		IgnoreContinuation:         true,
		AllowPythonMultilineValues: true,
		PreserveSurroundedQuote:    true,
		AllowBooleanKeys:           true,
		KeyValueDelimiters:         "=:",
	}, append(bytes.Join(kept, []byte("\n")), '\n'))
}

func pipSection(f *ini.File, name string) map[string]string {
	s, err := f.GetSection(name)
	if err != nil {
		return nil
	}
	out := map[string]string{}
	for _, k := range s.Keys() {
		var lines []string
		for _, line := range strings.Split(k.Value(), "\n") { // Value: as written, Key.String would expand %(…)s
			if line = strings.TrimSpace(line); line != "" {
				lines = append(lines, line)
			}
		}
		key := strings.ToLower(strings.ReplaceAll(k.Name(), "_", "-"))
		out[strings.TrimPrefix(key, "--")] = strings.Join(lines, "\n")
	}
	return out
}

// truth reads a switch as pip does.
func truth(s string) bool {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "1", "true", "yes", "on", "y", "t":
		return true
	}
	return false
}
