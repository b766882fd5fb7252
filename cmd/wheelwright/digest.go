package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"wheelwright/builder"
	"wheelwright/fault"
)

func (a *app) digestCommand() *cobra.Command {
	var r resolveFlags
	cmd := &cobra.Command{
		Use:   "digest --profile NAME",
		Short: "Print the digest of a profile's image, computed from its lock",
		Long: `Compute the image digest from the lock and the profile, with no wheel on disk and
no socket. Exit 1 where the lock does not say what its layers are: build and
lock --image record it.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r.options.Frozen, r.options.Offline = true, true
			if _, err := os.Stat(a.cache()); err != nil { // nothing is known besides the lock, and none is made for it
				if a.cacheDir, err = os.MkdirTemp("", "wheelwright-*"); err != nil {
					return fault.New(fault.Input, "a temporary folder").Wrap(err).Try("set TMPDIR to a folder that can be written to")
				}
				defer os.RemoveAll(a.cacheDir)
			}
			return a.finish(a.each(&r, func(b *builder.Builder) error {
				report, err := b.Digest(cmd.Context())
				if err != nil {
					return err
				}
				a.document(report)
				if !a.json {
					fmt.Fprintln(a.stdout, report.Digest)
				}
				return nil
			}))
		},
	}
	frozenFlags(cmd, &r)
	a.jsonFlag(cmd)
	return cmd
}
