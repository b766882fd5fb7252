package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"wheelwright/builder"
)

func (a *app) buildCommand() *cobra.Command {
	var r resolveFlags
	var o builder.BuildOptions
	var noWheelhouse bool
	cmd := &cobra.Command{
		Use:   "build --profile NAME [--to DESTINATION]",
		Short: "Build the image of a profile: lock, wheelhouse, layers",
		Long: `Resolve a profile (or keep its lock), fill its wheelhouse, and build its OCI
image, with no daemon and no root.

A destination is oci:DIR (an OCI image layout) or HOST/REPO[:TAG] (a registry;
credentials are docker's, plain HTTP on loopback). The default is
oci:out/PROFILE, the default tag the profile's name. The last line on stdout is
NAME@DIGEST of the last destination.`,
		Example: `  wheelwright build --profile ada_cu124 --to oci:out/ada_cu124
  wheelwright build --profile ada_cu124 --to localhost:5000/ml`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.finish(a.each(&r, func(b *builder.Builder) error {
				o := o
				o.OnLock = a.tellLock
				switch {
				case noWheelhouse:
					o.Wheelhouse = ""
				case o.Wheelhouse == "":
					o.Wheelhouse = defaultWheelhouse(b)
				}
				result, err := b.Build(cmd.Context(), o)
				if err != nil {
					return err
				}
				a.document(builder.BuildReport{Lock: result.Locked.Report(), Image: result.Image})
				if !a.json {
					for _, d := range result.Image.Pushed {
						fmt.Fprintln(a.stdout, d)
					}
				}
				return nil
			}))
		},
	}
	r.add(cmd)
	cmd.Flags().StringArrayVar(&o.To, "to", nil, "destination: oci:DIR or HOST/REPO[:TAG] (may be repeated; default oci:out/PROFILE)")
	cmd.Flags().StringVar(&o.Wheelhouse, "wheelhouse", "", "the folder to lay the wheels out in by file name (default wheelhouse.PROFILE)")
	cmd.Flags().BoolVar(&noWheelhouse, "no-wheelhouse", false, "lay out no wheelhouse folder; the files stay in the cache")
	cmd.MarkFlagsMutuallyExclusive("wheelhouse", "no-wheelhouse")
	a.jsonFlag(cmd)
	return cmd
}
