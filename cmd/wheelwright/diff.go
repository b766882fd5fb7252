package main

import (
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"wheelwright/builder"
	"wheelwright/fault"
)

// errSaid ends the program with its kind's exit code and prints nothing: all
// that there is to say stands on stdout.
var errSaid = errors.New("")

func (a *app) diffCommand() *cobra.Command {
	var s standingFlags
	cmd := &cobra.Command{
		Use:   "diff A B",
		Short: "Tell what differs between two locks",
		Long: `Compare two lock files, A being the older. Each is a path, or NAME for
./pylock.NAME.toml where no file is called so. One line for each difference,
sorted by name; its first word is

  added, removed   a distribution
  up, down         its version; version where neither is newer (another build)
  file             the same version in another file: another build or platform
  hash             the same file with other bytes
  build            the CUDA release it is read to be built with
  needs            the same file with other dependencies in force
  marker           the condition under which it is installed
  lock             what the lock says beside its packages: profile, python, …
  base             a Debian package of the base, or what else the image stands on

Where the CUDA build of a distribution changes, its line says so. Addresses,
sizes, dates and the image's layers are no difference, nor is a base that one
of the locks does not name, nor what a lock of another tool cannot say.

Exit code 0: no difference; 1: differences; 2: trouble.`,
		Example: `  wheelwright diff hopper_cu124 hopper_cu130
  wheelwright diff <(git show HEAD:pylock.ada_cu124.toml) pylock.ada_cu124.toml`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 2 {
				return fault.New(fault.Input, "%s takes two locks, got %d", c.CommandPath(), len(args)).Try("%s --help", c.CommandPath())
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			r, err := builder.DiffLocks(builder.LockRef{File: args[0], Python: s.python}, builder.LockRef{File: args[1], Python: s.python})
			if err != nil {
				return err
			}
			if a.json {
				err = a.printJSON(r)
			} else {
				err = a.printDiff(r)
			}
			if err == nil && !r.Equal {
				return fault.New(fault.No, "").Wrap(errSaid)
			}
			return err
		},
	}
	s.addPython(cmd)
	a.jsonFlag(cmd)
	return cmd
}

// printDiff writes a line for each difference.
func (a *app) printDiff(r *builder.DiffReport) error {
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	row := func(cells [3]string) {
		fmt.Fprintf(w, "%s\t%s\t%s\n", line(cells[0]), line(cells[1]), line(cells[2]))
	}
	for _, f := range r.Lock {
		row(f.Row())
	}
	for _, e := range r.Packages {
		row(e.Row())
	}
	for _, e := range r.Base {
		row(e.Row())
	}
	return w.Flush()
}
