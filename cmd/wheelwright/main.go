// Command wheelwright builds reproducible environments for GPU machine
// learning: a lock, an offline wheelhouse and a layered OCI image from a
// hardware profile. It needs no daemon and no root, never runs a package's
// own code to build it, and writes no credential anywhere.
//
// Data goes to stdout, talk and progress to stderr. Exit codes are those of
// package fault.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"wheelwright/builder"
	"wheelwright/fault"
)

func main() {
	builder.Enter()
	debug.SetGCPercent(400)        // a short run spends memory for time,
	debug.SetMemoryLimit(96 << 20) // but no more than 150 MB in all: the rest is none of the heap
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go func() {
		<-ctx.Done()
		stop() // a second Ctrl-C ends the program at once
	}()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the whole program with its streams passed in; it returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	a := newApp(stdout, stderr)
	cmd := a.rootCommand()
	cmd.SetArgs(args)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	err := cmd.ExecuteContext(ctx)
	a.screen.close()
	if err == nil {
		return 0
	}
	if end, ran := errors.AsType[exited](err); ran {
		if end.err != nil {
			fmt.Fprint(stderr, fault.Render(end.err))
		}
		return end.code
	}
	if ctx.Err() != nil || fault.KindOf(err) == fault.Interrupted {
		fmt.Fprintf(stderr, "interrupted: nothing is half-written and what was downloaded is kept\nnext: run the same command again to go on from here\n")
		return int(fault.Interrupted)
	}
	all, several := errors.AsType[failures](err)
	if !several {
		all = failures{err}
	}
	for _, err := range all {
		if !errors.Is(err, errSaid) {
			fmt.Fprint(stderr, fault.Render(err))
		}
	}
	return int(fault.KindOf(all[0]))
}
