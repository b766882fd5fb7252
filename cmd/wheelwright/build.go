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

The base stays what the lock says, package by package or image by digest, until
--upgrade-base. Files that the cache lacks are first looked for in the wheelhouse
folder, which is then laid out anew: with the lock, it is enough to build the
same image with no network (--frozen --offline).

A destination is oci:DIR (an OCI image layout), oci-archive:FILE,
docker-archive:FILE or HOST/REPO (a registry; credentials are docker's), each
with :TAG or without. Without, the image is tagged with the profile's name, and
(but in an oci-archive, whose readers take one name only) with that and the first
12 digits of the lock digest. The default is oci:out/PROFILE. The last line on stdout is NAME@DIGEST of the last destination.`,
		Example: `  wheelwright build --profile ada_cu124 --to oci:out/ada_cu124
  wheelwright build --profile ada_cu124 --to localhost:5000/ml --tag latest`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := r.several(o.OneImage); err != nil {
				return err
			}
			return a.finish(a.each(&r, func(b *builder.Builder) error {
				o := o
				switch {
				case noWheelhouse:
					o.Wheelhouse = ""
				case o.Wheelhouse == "":
					o.Wheelhouse = defaultWheelhouse(b)
				}
				b.From = o.Wheelhouse
				return a.buildOne(cmd, b, o)
			}))
		},
	}
	r.add(cmd)
	r.addUpgradeBase(cmd)
	destinationFlags(cmd, &o)
	cmd.Flags().StringVar(&o.Compression, "compression", "gzip", "of the wheels' layers: gzip, which every runtime reads and the lock records, or zstd")
	cmd.Flags().StringVar(&o.Wheelhouse, "wheelhouse", "", "the folder to take files from that the cache lacks, and to lay all files out in (default wheelhouse.PROFILE)")
	cmd.Flags().BoolVar(&noWheelhouse, "no-wheelhouse", false, "read and lay out no wheelhouse folder; the files stay in the cache")
	cmd.MarkFlagsMutuallyExclusive("wheelhouse", "no-wheelhouse")
	a.jsonFlag(cmd)
	return cmd
}

// destinationFlags say where an image goes.
func destinationFlags(cmd *cobra.Command, o *builder.BuildOptions) {
	f := cmd.Flags()
	f.StringArrayVar(&o.To, "to", nil, "destination: oci:DIR, oci-archive:FILE, docker-archive:FILE or HOST/REPO, each with :TAG or without (may be repeated)")
	f.StringArrayVar(&o.Tags, "tag", nil, "another tag for the image (may be repeated)")
	registryFlags(cmd, &o.Registry)
}

// registryFlags say how registries are reached.
func registryFlags(cmd *cobra.Command, r *builder.Registry) {
	f := cmd.Flags()
	f.StringVar(&r.CAFile, "registry-ca", "", "PEM certificates to trust registries by, besides the system's")
	f.StringArrayVar(&r.PlainHTTP, "plain-http", nil, "speak plain HTTP to this registry, HOST or HOST:PORT (may be repeated; loopback needs no leave)")
}

// buildOne builds the image of one profile and tells of it.
func (a *app) buildOne(cmd *cobra.Command, b *builder.Builder, o builder.BuildOptions) error {
	o.OnLock = a.tellLock
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
}
