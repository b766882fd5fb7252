package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"wheelwright/builder"
)

func (a *app) lockCommand() *cobra.Command {
	var r resolveFlags
	cmd := &cobra.Command{
		Use:   "lock --profile NAME",
		Short: "Resolve a profile and write its lock",
		Long: `Resolve a profile and write its lock, ./pylock.NAME.toml (PEP 751).

Reads METADATA only: no wheel is downloaded that metadata can answer for. The
versions of a lock that stands there are kept where they still fit; --upgrade
chooses anew. Prints "PATH DIGEST" on stdout, one line for each profile.`,
		Example: `  wheelwright lock --profile ada_cu124
  wheelwright lock --profile ./my.yaml --upgrade-package trl
  wheelwright lock --profile ada_cu124 --locked   # in CI: fails if it would change`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var reports []builder.LockReport
			err := a.each(&r, func(b *builder.Builder) error {
				l, err := b.Lock(cmd.Context())
				if err != nil {
					return err
				}
				a.tellLock(l)
				reports = append(reports, l.Report())
				if !a.json {
					fmt.Fprintf(a.stdout, "%s %s\n", shown(l.Path), l.Lock.Digest())
				}
				return nil
			})
			if err == nil && a.json {
				return a.printJSON(reports)
			}
			return err
		},
	}
	r.add(cmd)
	a.jsonFlag(cmd)
	return cmd
}

// tellLock says on stderr what the lock step did.
func (a *app) tellLock(l *builder.Locked) {
	say := func(format string, args ...any) {
		a.screen.report(builder.Event{Step: builder.StepResolve, Kind: builder.Note, Text: fmt.Sprintf(format, args...)})
	}
	for _, p := range l.Lock.Packages {
		if cuda, ok := l.Lock.Builds[p.Name]; ok {
			say("%s %s is built for CUDA %s", p.Name, p.Version, cuda)
		}
	}
	for _, c := range l.Changes {
		say("%s", c)
	}
	switch {
	case l.Solution == nil:
		say("%s used as it is (--frozen)", shown(l.Path))
	case l.Written:
		say("wrote %s", shown(l.Path))
	default:
		say("%s is up to date", shown(l.Path))
	}
}

// printJSON writes v on stdout, indented by two.
func (a *app) printJSON(v any) error {
	e := json.NewEncoder(a.stdout)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// shown is path as a person types it: relative to the working directory when
// it lies below it.
func shown(path string) string {
	wd, err := os.Getwd()
	if err != nil {
		return path
	}
	rel, err := filepath.Rel(wd, path)
	if err != nil || !filepath.IsLocal(rel) {
		return path
	}
	return rel
}
