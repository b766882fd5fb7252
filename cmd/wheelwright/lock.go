package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"wheelwright/builder"
	"wheelwright/fault"
)

func (a *app) lockCommand() *cobra.Command {
	var r resolveFlags
	var image bool
	var registry builder.Registry
	cmd := &cobra.Command{
		Use:   "lock --profile NAME",
		Short: "Resolve a profile and write its lock",
		Long: `Resolve a profile and write its lock, ./pylock.NAME.toml (PEP 751).

Reads METADATA only: no wheel is downloaded that metadata can answer for. The
versions of a lock that stands there are kept where they still fit; --upgrade
chooses anew. Says what each direct requirement gave up for another. Several
profiles are resolved side by side and share what is fetched; one that fails does
not keep the others from being locked. With --image every wheel is fetched, and the
lock says what the image's layers are. What the image stands on (Debian packages,
an image by digest) is recorded by build and --image; --upgrade-base records it as
it is now. Prints "PATH DIGEST" on stdout, one line
for each profile.`,
		Example: `  wheelwright lock --profile ada_cu124
  wheelwright lock --profile ./my.yaml --upgrade-package trl
  wheelwright lock --profile ada_cu124 --locked   # in CI: fails if it would change
  wheelwright lock --all --exclude-newer 2026-06-01`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if image && r.options.Frozen {
				return fault.New(fault.Input, "--image and --frozen exclude each other").
					Because("--frozen writes nothing").Try("leave --frozen out")
			}
			tell := func(l *builder.Locked) error {
				if a.json {
					a.document(l.Report())
					return nil
				}
				_, err := fmt.Fprintf(a.stdout, "%s %s\n", shown(l.Path), l.Lock.Digest())
				return err
			}
			if image {
				return a.finish(a.each(&r, func(b *builder.Builder) error {
					b.From = defaultWheelhouse(b)
					result, err := b.Build(cmd.Context(), builder.BuildOptions{LockOnly: true, OnLock: a.tellLock, Registry: registry})
					if err != nil {
						return err
					}
					return tell(result.Locked)
				}))
			}
			return a.finish(a.sideBySide(&r, func(b *builder.Builder) (func() error, error) {
				l, err := b.Lock(cmd.Context())
				if err == nil && r.options.UpgradeBase {
					b.From = defaultWheelhouse(b)
					err = b.Rebase(cmd.Context(), l, registry)
				}
				return func() error {
					a.tellLock(l)
					return tell(l)
				}, err
			}))
		},
	}
	r.add(cmd)
	r.addUpgradeBase(cmd)
	cmd.Flags().BoolVar(&image, "image", false, "fetch every wheel and record what the image's layers are")
	registryFlags(cmd, &registry)
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
	for _, s := range l.LagLines() {
		say("%s", s)
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
