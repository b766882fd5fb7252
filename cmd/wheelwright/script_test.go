package main

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"wheelwright/builder"
	"wheelwright/internal/recorded"
)

var update = flag.Bool("update", false, "write golden files anew")

func TestMain(m *testing.M) {
	builder.Enter() // a script's wheelwright run starts this program again
	testscript.Main(m, map[string]func(){"wheelwright": main})
}

// TestScripts runs testdata/script/*.txtar: whole commands against the
// recorded index. Scripts have, besides testscript's own commands:
//
//	wheel DIR NAME VERSION [HEADER…]   writes a small wheel; a HEADER is a METADATA line
//	member WHEEL PATH TEXT             adds a file to a wheel
//	unpack DIR                         prints what the image in a layout folder holds
//	exits CODE COMMAND…                runs a command that must end with this exit code
//	serve VAR BEHAVIOUR                starts a loopback server that behaves so: VAR is its index URL, VAR_ROOT that of all, VAR_HOST its address
//	inside CODE FLAG… TEXT             runs a shell's text by wheelwright run, which must end with this exit code
//	until FILE                         waits until the file is there
//	serve VAR registry LOG             a registry; LOG has a line for each blob sent to it
//	serve VAR files DIR                serves the wheels of DIR
//	serve VAR folder DIR               serves the files of DIR as they lie
//	debian DIR RELEASE [NAME=VERSION…] writes a Debian archive of small packages
//	flip FILE                          changes one bit of a file
//	serve VAR slow DIR                 the same, but the first wheel stops in its middle: then DIR/stalled is there
//	serve VAR liar DIR                 serves the wheels of DIR, with METADATA that asks for one thing more
func TestScripts(t *testing.T) {
	index := recorded.Start(t, recorded.Options{})
	tree, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:           "../../testdata/script",
		UpdateScripts: *update,
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir+"/home")
			e.Setenv("XDG_CACHE_HOME", e.WorkDir+"/cache")
			e.Setenv("TREE", tree)
			e.Setenv("INDEX", index.Simple)
			e.Setenv("PIP_INDEX_URL", index.Simple)
			e.Setenv("PIP_CONFIG_FILE", os.DevNull)
			e.Setenv("WHEELWRIGHT_DEBIAN_KEYRING", e.WorkDir+"/archive.asc")
			return errors.Join(os.MkdirAll(e.WorkDir+"/home", 0o755), os.WriteFile(e.WorkDir+"/archive.asc", keyring(), 0o644))
		},
		Condition: func(name string) (bool, error) {
			if name != "sandbox" {
				return false, fmt.Errorf("unknown condition %s", name)
			}
			return sandboxed(), nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"wheel":  cmdWheel,
			"member": cmdMember,
			"unpack": cmdUnpack,
			"exits":  cmdExits,
			"until":  cmdUntil,
			"debian": cmdDebian,
			"flip":   cmdFlip,
			"inside": cmdInside,
			"serve":  func(ts *testscript.TestScript, _ bool, args []string) { cmdServe(ts, args) },
		},
	})
}

// cmdExits runs a command and compares its exit code.
func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND…")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := "0"
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		code = strconv.Itoa(exit.ExitCode())
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if code != args[0] {
		ts.Fatalf("exit code is %s, want %s", code, args[0])
	}
}

// cmdWheel writes DIR/NAME-VERSION-py3-none-any.whl with one module, a
// console script and RECORD.
func cmdWheel(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: wheel DIR NAME VERSION [HEADER…]")
	}
	dir, name, version := ts.MkAbs(args[0]), args[1], args[2]
	ts.Check(os.MkdirAll(dir, 0o755))
	info := fmt.Sprintf("%s-%s.dist-info", name, version)
	members := [][2]string{
		{name + "/__init__.py", fmt.Sprintf("version = %q\n", version)},
		{info + "/METADATA", fmt.Sprintf("Metadata-Version: 2.1\nName: %s\nVersion: %s\n%s", name, version, lines(args[3:]))},
		{info + "/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"},
		{info + "/entry_points.txt", fmt.Sprintf("[console_scripts]\n%s = %s:main\n", name, name)},
	}
	record := info + "/RECORD,,\n"
	for _, m := range members {
		sum := sha256.Sum256([]byte(m[1]))
		record += fmt.Sprintf("%s,sha256=%s,%d\n", m[0], base64.RawURLEncoding.EncodeToString(sum[:]), len(m[1]))
	}
	f, err := os.Create(filepath.Join(dir, fmt.Sprintf("%s-%s-py3-none-any.whl", name, version)))
	ts.Check(err)
	z := zip.NewWriter(f)
	for _, m := range append(members, [2]string{info + "/RECORD", record}) {
		w, err := z.Create(m[0])
		ts.Check(err)
		_, err = w.Write([]byte(m[1]))
		ts.Check(err)
	}
	ts.Check(z.Close())
	ts.Check(f.Close())
}

func lines(s []string) string {
	if len(s) == 0 {
		return ""
	}
	return strings.Join(s, "\n") + "\n"
}

// behaviours of the index that serve starts.
var behaviours = map[string]http.HandlerFunc{
	"unauthorized": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) },
	"forbidden":    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) },
	"broken":       func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
	"missing":      func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) },
	"nolinks": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<html><body><h1>Sign in</h1></body></html>")
	},
	"badjson": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/vnd.pypi.simple.v1+json")
		fmt.Fprint(w, `{"files": [`)
	},
}

func cmdServe(ts *testscript.TestScript, args []string) {
	var h http.Handler
	switch {
	case len(args) == 3 && (args[1] == "liar" || args[1] == "files" || args[1] == "slow"):
		h = wheels(ts.MkAbs(args[2]), args[1] == "liar")
		if args[1] == "slow" {
			h = stalling(h, ts.MkAbs(args[2])+"/stalled")
		}
	case len(args) == 3 && args[1] == "folder":
		h = noting(http.FileServer(http.Dir(ts.MkAbs(args[2]))), ts.MkAbs(args[2])+".asked")
	case len(args) == 3 && args[1] == "registry":
		h = newRegistry(ts.MkAbs(args[2]))
	case len(args) == 2 && behaviours[args[1]] != nil:
		h = behaviours[args[1]]
	default:
		ts.Fatalf("usage: serve VAR BEHAVIOUR")
	}
	server := httptest.NewServer(h)
	ts.Defer(server.Close)
	ts.Setenv(args[0], server.URL+"/simple/")
	ts.Setenv(args[0]+"_ROOT", server.URL)
	ts.Setenv(args[0]+"_HOST", strings.TrimPrefix(server.URL, "http://"))
}

// wheels is an index of the wheels of a folder; where it lies, FILE.metadata is
// not the METADATA inside the file.
func wheels(dir string, lies bool) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /simple/{name}/", func(w http.ResponseWriter, r *http.Request) {
		files, err := filepath.Glob(filepath.Join(dir, r.PathValue("name")+"-*.whl"))
		if err != nil || len(files) == 0 {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		for _, f := range files {
			data, err := os.ReadFile(f)
			if err != nil {
				panic(err)
			}
			fmt.Fprintf(w, "<a href=\"/files/%s#sha256=%x\" data-core-metadata=\"%v\">%[1]s</a>\n", filepath.Base(f), sha256.Sum256(data), lies)
		}
	})
	mux.HandleFunc("GET /files/{file}", func(w http.ResponseWriter, r *http.Request) {
		file, metadata := strings.CutSuffix(r.PathValue("file"), ".metadata")
		if metadata && !lies {
			http.NotFound(w, r)
			return
		}
		if !metadata {
			http.ServeFile(w, r, filepath.Join(dir, file))
			return
		}
		name, version, _ := strings.Cut(file, "-")
		version, _, _ = strings.Cut(version, "-")
		fmt.Fprintf(w, "Metadata-Version: 2.1\nName: %s\nVersion: %s\nRequires-Python: >=3.8\n", name, version)
	})
	return mux
}

// noting passes requests on and adds the path of each to a file.
func noting(h http.Handler, file string) http.Handler {
	var mu sync.Mutex
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		f, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
		if err == nil {
			_, err = fmt.Fprintln(f, r.URL.Path)
			f.Close()
		}
		mu.Unlock()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// stalling passes requests on, but of the first whole wheel that is asked for
// it sends half and then nothing until the client goes away. Once the client had
// time to read that, it makes the file mark.
func stalling(h http.Handler, mark string) http.Handler {
	var stalled atomic.Bool
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, ".whl") || r.Header.Get("Range") != "" || stalled.Swap(true) {
			h.ServeHTTP(w, r)
			return
		}
		whole := httptest.NewRecorder()
		h.ServeHTTP(whole, r)
		w.Header().Set("Content-Length", strconv.Itoa(whole.Body.Len()))
		w.Write(whole.Body.Bytes()[:whole.Body.Len()/2])
		w.(http.Flusher).Flush()
		time.Sleep(200 * time.Millisecond)
		os.WriteFile(mark, nil, 0o644)
		<-r.Context().Done()
	})
}

// cmdUntil waits for a file to be there.
func cmdUntil(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: until FILE")
	}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
	}
	ts.Fatalf("no file %s", args[0])
}
