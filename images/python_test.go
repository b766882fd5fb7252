package images

import (
	"context"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"wheelwright/fault"
	"wheelwright/wheelhouse/spread"
)

// Where the base's Python is found: along the PATH of its configuration,
// through links of folders and of the file itself.
func TestFindPython(t *testing.T) {
	for name, c := range map[string]struct {
		path string // PATH of the configuration; "-": none
		base []*blob
		want string // folder; empty: refused
		says string
	}{
		"official":          {"/usr/local/bin:/usr/local/sbin:/usr/bin", []*blob{tarLayer(t, reg("usr/bin/python3.11", "d"), reg("usr/local/bin/python3.11", ""))}, "/usr/local/bin", ""},
		"default path":      {"-", []*blob{tarLayer(t, reg("usr/bin/python3.11", ""))}, "/usr/bin", ""},
		"merged":            {"/bin:/usr/bin", []*blob{tarLayer(t, sym("bin", "usr/bin"), reg("usr/bin/python3.11", ""))}, "/bin", ""},
		"chain":             {"/usr/bin", []*blob{tarLayer(t, sym("usr/bin/python3.11", "../../opt/py/bin/python3.11"), sym("opt/py", "py-3.11.9"), sym("opt/py-3.11.9/bin/python3.11", "python"), reg("opt/py-3.11.9/bin/python", ""))}, "/usr/bin", ""},
		"chain over layers": {"/usr/bin", []*blob{tarLayer(t, sym("usr/bin/python3.11", "/opt/python3.11")), tarLayer(t, reg("opt/python3.11", ""))}, "/usr/bin", ""},
		"own folder":        {"/opt/conda/bin:/usr/bin", []*blob{tarLayer(t, reg("opt/conda/bin/python3.11", ""), reg("usr/bin/python3.9", ""))}, "/opt/conda/bin", ""},
		"dangling":          {"/usr/bin", []*blob{tarLayer(t, sym("usr/bin/python3.11", "/opt/python3.11"))}, "", "none of /usr/bin"},
		"dangling folder":   {"/usr/bin", []*blob{tarLayer(t, sym("usr/bin/python3.11", "/opt/py/python"))}, "", "none of /usr/bin"},
		"dangling later":    {"/usr/bin", []*blob{tarLayer(t, sym("usr/bin/python3.11", "/opt/python3.11"), reg("opt/python3.11", "")), tarLayer(t, reg("opt/.wh.python3.11", ""))}, "", "none of /usr/bin"},
		"circle":            {"/usr/bin", []*blob{tarLayer(t, sym("usr/bin/python3.11", "python3.12"), sym("usr/bin/python3.12", "python3.11"))}, "", "none of /usr/bin"},
		"a folder":          {"/usr/lib", []*blob{tarLayer(t, reg("usr/lib/python3.11/os.py", ""))}, "", "none of /usr/lib"},
		"another":           {"/usr/bin", []*blob{tarLayer(t, reg("usr/bin/python3.9", ""))}, "", "it has /usr/bin/python3.9"},
		"relative path":     {"bin::.", []*blob{tarLayer(t, reg("bin/python3.11", ""), reg("python3.11", ""))}, "", "it has /bin/python3.11"},
	} {
		config := &v1.ConfigFile{}
		if c.path != "-" {
			config.Config.Env = []string{"A=1", "PATH=" + c.path}
		}
		b := &Base{Ref: "index.test/base", kind: baseRegistry, config: config}
		g, err := b.ground(context.Background(), &Spec{CacheDir: t.TempDir(), Scheme: spread.Scheme{Prefix: "/opt/env", Python: "3.11"}}, c.base)
		switch {
		case c.want != "" && (err != nil || g.python != c.want):
			t.Errorf("%s: %v, %+v, want %s", name, err, g, c.want)
		case c.want == "" && (fault.KindOf(err) != fault.Unsatisfiable || !strings.Contains(fault.Render(err), c.says) || !strings.Contains(fault.Render(err), "debian:12 has python 3.11")):
			t.Errorf("%s: %v", name, err)
		}
	}
}
