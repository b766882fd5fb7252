package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"wheelwright/builder"
	"wheelwright/fault"
)

func (a *app) explainCommand() *cobra.Command {
	var r resolveFlags
	cmd := &cobra.Command{
		Use:   "explain PACKAGE… --profile NAME",
		Short: "Say why a distribution is in a profile's lock, in that release",
		Long: `Resolve a profile as lock would, keeping the versions of a lock that stands
unless --upgrade is given, and say of each PACKAGE who requires it, and why no
newer release was chosen. Writes nothing. Exit 1 if a PACKAGE is not needed.`,
		Example: `  wheelwright explain trl --profile hopper_cu130
  wheelwright explain torch peft --profile ada_cu124,cpu --upgrade`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fault.New(fault.Input, "explain: no distribution named").Try("%s PACKAGE --profile NAME", c.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if r.options.Frozen || r.options.Locked {
				return fault.New(fault.Input, "explain reads the index, and takes neither --frozen nor --locked").
					Because("a lock does not say what its distributions require of each other, nor which releases were passed over").
					Try("leave the flag out, or add --offline to open no socket; wheelwright tree --invert reads the lock alone")
			}
			return a.finish(a.sideBySide(&r, func(b *builder.Builder) (func() error, error) {
				all, err := b.Explain(cmd.Context(), args)
				return func() error {
					for _, e := range all {
						a.document(e)
						if a.json {
							continue
						}
						for _, line := range e.Lines() {
							if _, err := fmt.Fprintln(a.stdout, fault.Printable(line)); err != nil {
								return err
							}
						}
					}
					return nil
				}, err
			}))
		},
	}
	r.add(cmd)
	cmd.Flags().Lookup("output").Usage = "the lock file whose versions are kept (default ./pylock.PROFILE.toml)"
	for _, unused := range []string{"frozen", "locked"} {
		cmd.Flags().Lookup(unused).Hidden = true
	}
	a.jsonFlag(cmd)
	return cmd
}
