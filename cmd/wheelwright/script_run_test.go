package main

import (
	"os"
	"path/filepath"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"

	"wheelwright/images/rootfs/sandbox"
)

// sandboxed says whether commands can be isolated here, as a script's condition.
var sandboxed = sync.OnceValue(func() bool {
	how, err := sandbox.Probe()
	return err == nil && how.Kind == "namespaces"
})

// cmdInside runs a text by this host's shell in the image of a profile, whose
// own files it need not have: inside CODE FLAG… TEXT.
func cmdInside(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: inside CODE FLAG… TEXT")
	}
	shell, err := filepath.EvalSymlinks("/bin/sh")
	ts.Check(err)
	run := append([]string{args[0], "wheelwright", "run"}, args[1:len(args)-1]...)
	run = append(run, "--bind", shell+":/host/sh:ro")
	for _, libraries := range []string{"/lib", "/lib64", "/usr/lib"} {
		if _, err := os.Stat(libraries); err == nil {
			run = append(run, "--bind", libraries+":"+libraries+":ro")
		}
	}
	cmdExits(ts, false, append(run, "--", "/host/sh", "-c", args[len(args)-1]))
}
