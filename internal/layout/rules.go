package layout

import (
	"slices"
	"strings"
)

// Rule is one row of the table of packages.
type Rule struct {
	Package string   // path inside the module
	May     []string // our packages that it may import; "x/..." is x and all below
	Modules []string // third-party modules that it, and no other package, imports
	Pure    bool     // no files, network, clock or goroutines
}

// Everywhere are the third-party modules that several packages may import.
var Everywhere = []string{"golang.org/x/sync", "golang.org/x/sys"}

// TestOnly are the third-party modules that only tests import.
var TestOnly = []string{"github.com/crillab/gophersat", "github.com/google/go-cmp", "github.com/rogpeppe/go-internal"}

var vocabulary = []string{"solver", "solver/pep440", "solver/pep508", "solver/tag", "solver/gpucode"}

func plus(base []string, more ...string) []string { return append(slices.Clone(base), more...) }

// Rules is the table of design.md section 3, and atomicfile, which
// several of its packages write by.
var Rules = []Rule{
	{Package: "fault"},
	{Package: "atomicfile"},

	{Package: "solver/pep440", Pure: true},
	{Package: "solver/pep508", Pure: true, May: []string{"solver/pep440"}},
	{Package: "solver/tag", Pure: true},
	{Package: "solver/engine", Pure: true},
	{Package: "solver/gpucode", Pure: true},
	{Package: "solver", Pure: true, May: []string{"solver/pep440", "solver/pep508", "solver/tag", "solver/engine", "solver/gpucode"}},
	{Package: "solver/lock", Pure: true, May: vocabulary, Modules: []string{"github.com/pelletier/go-toml/v2"}},

	{Package: "wheelhouse/whl", May: vocabulary},
	{Package: "wheelhouse/index", May: plus(vocabulary, "wheelhouse/whl"),
		Modules: []string{"golang.org/x/net", "gopkg.in/ini.v1", "github.com/jdx/go-netrc"}},
	{Package: "wheelhouse/spread", May: plus(vocabulary, "wheelhouse/whl")},
	{Package: "wheelhouse/tree", May: plus(vocabulary, "wheelhouse/whl", "wheelhouse/spread")},
	{Package: "wheelhouse", May: plus(vocabulary, "wheelhouse/whl", "wheelhouse/index", "wheelhouse/spread", "wheelhouse/tree")},

	{Package: "profiles", May: vocabulary, Modules: []string{"go.yaml.in/yaml/v3", "github.com/Masterminds/semver/v3"}},
	{Package: "profiles/matrix", May: plus(vocabulary, "profiles")},
	{Package: "profiles/gpu", May: plus(vocabulary, "profiles"), Modules: []string{"github.com/NVIDIA/go-nvml"}},

	{Package: "images/layer/deflate", Pure: true},
	{Package: "images/layer", May: []string{"atomicfile", "images/layer/deflate", "wheelhouse/spread", "wheelhouse/whl"}, Modules: []string{"github.com/klauspost/compress"}},
	{Package: "images/deb", May: []string{"atomicfile", "images/layer", "wheelhouse"}, Modules: []string{"github.com/ulikunitz/xz", "github.com/ProtonMail/go-crypto"}},
	{Package: "images", May: plus(vocabulary, "atomicfile", "images/layer", "images/deb", "wheelhouse/..."),
		Modules: []string{"github.com/google/go-containerregistry"}},
	{Package: "images/rootfs/sandbox"},
	{Package: "images/rootfs", May: []string{"images", "images/layer", "images/deb", "wheelhouse/..."}},

	{Package: "builder/proof", May: []string{"solver/...", "wheelhouse/..."}},
	{Package: "builder", May: []string{"atomicfile", "builder/proof", "images/...", "profiles/...", "wheelhouse/...", "solver/..."}},
	{Package: "cmd/wheelwright", May: []string{"builder", "builder/..."},
		Modules: []string{"github.com/spf13/cobra", "golang.org/x/term"}},

	// The recorder is a tool of the tree, not part of the program, and writes
	// what internal/recorded reads.
	{Package: "internal/recorded", May: vocabulary},
	{Package: "internal/graphs", May: vocabulary},
	{Package: "internal/graphs/serve", May: []string{"internal/graphs"}},
	{Package: "cmd/record", May: []string{"atomicfile", "wheelhouse/index", "wheelhouse/whl", "profiles", "solver/...", "internal/recorded"}},
}

// allows says whether the row lets its package import ours at path.
func (r Rule) allows(path string) bool {
	for _, m := range r.May {
		below, tree := strings.CutSuffix(m, "/...")
		if path == m || tree && (path == below || strings.HasPrefix(path, below+"/")) {
			return true
		}
	}
	return false
}

// impure are the standard packages that a pure package has no use for. time
// and path/filepath stay, for values and for names; what in them reads a clock
// or a folder is looked for in the source.
var impure = []string{"io/fs", "io/ioutil", "log", "log/slog", "math/rand", "math/rand/v2", "net", "os", "os/exec",
	"os/signal", "runtime", "sync", "sync/atomic", "syscall", "context", "plugin", "testing"}

// forbids says why the row's package may not import a standard package;
// empty when it may.
func (r Rule) forbids(std string) string {
	switch {
	case std == "unsafe" || std == "C":
		return std + " is not used in this project"
	case r.Pure && (slices.Contains(impure, std) || strings.HasPrefix(std, "net/") && std != "net/url"):
		return r.Package + " is pure: no files, network, clock or goroutines"
	}
	return ""
}
