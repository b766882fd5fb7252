package layout

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Root is the folder of go.mod, above the working directory.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("layout: no go.mod above the working directory")
		}
	}
}

// Load reads the packages that patterns name below root, with all that they
// depend on, for linux/amd64. cgo says which of the two programs is looked at.
func Load(root string, cgo bool, patterns ...string) (Graph, error) {
	cmd := exec.Command("go", append([]string{"list", "-e", "-deps",
		"-json=ImportPath,Imports,TestImports,XTestImports,ImportMap,Standard,Module,DepOnly"}, patterns...)...)
	cmd.Dir = root
	enabled := "CGO_ENABLED=0"
	if cgo {
		enabled = "CGO_ENABLED=1"
	}
	cmd.Env = append(os.Environ(), enabled, "GOOS=linux", "GOARCH=amd64")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w: %s", err, stderr.String())
	}
	g := Graph{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath                         string
			Imports, TestImports, XTestImports []string
			ImportMap                          map[string]string
			Standard                           bool
			Module                             *struct {
				Path string
				Main bool
			}
		}
		if err := d.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		local := func(paths []string) []string {
			var l []string
			for _, i := range paths {
				if mapped, ok := p.ImportMap[i]; ok {
					i = mapped
				}
				l = append(l, short(i))
			}
			return l
		}
		q := Package{Path: short(p.ImportPath), Std: p.Standard, Imports: local(p.Imports),
			TestImports: local(slices.Concat(p.TestImports, p.XTestImports))}
		if p.Module != nil && !p.Module.Main {
			q.Module = p.Module.Path
		}
		g[q.Path] = q
	}
	// "unsafe" and "C" are listed as imports but are no packages of their own.
	for _, pseudo := range []string{"C", "unsafe"} {
		g[pseudo] = Package{Path: pseudo, Std: true}
	}
	return g, nil
}

// short is an import path without the module's own name in front.
func short(path string) string { return strings.TrimPrefix(path, Module+"/") }

// Tree lists the files of the checkout at root that git tracks or would
// track, relative, sorted. It opens every folder on the way, which makes go
// test run again, not answer from its cache, when a file comes or goes.
func Tree(root string) ([]string, error) {
	cmd := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("git ls-files: %w", err)
	}
	var files []string
	folders := map[string]bool{}
	for _, f := range strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		folders[filepath.Dir(f)] = true
		if info, err := os.Lstat(filepath.Join(root, f)); err == nil && info.Mode().IsRegular() {
			files = append(files, f)
		}
	}
	for f := range folders {
		if _, err := os.ReadDir(filepath.Join(root, f)); err != nil && !os.IsNotExist(err) {
			return nil, err
		}
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}
