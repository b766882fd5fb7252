package main

import (
	"cmp"

	"github.com/spf13/cobra"

	"wheelwright/builder"
	"wheelwright/fault"
)

func (a *app) pushCommand() *cobra.Command {
	var r resolveFlags
	var o builder.BuildOptions
	var from string
	cmd := &cobra.Command{
		Use:   "push --profile NAME --to HOST/REPO[:TAG]",
		Short: "Push the image of a profile's lock; what the registry has is not sent",
		Long: `Take the lock as it stands and bring its image to a registry. Where the lock says
what its layers are (build records it), only layers that the registry lacks are
made, straight from the wheels into the upload, and only their wheels are
fetched: an unchanged image costs some requests and no blob. Files that the cache
lacks are first looked for in the wheelhouse folder. The last line on
stdout is NAME@DIGEST of the last destination.`,
		Example: `  wheelwright push --profile ada_cu124 --to localhost:5000/ml`,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if len(o.To) == 0 {
				return fault.New(fault.Input, "push needs a destination").Try("wheelwright push --profile NAME --to HOST/REPO[:TAG]")
			}
			if err := r.several(o.OneImage); err != nil {
				return err
			}
			r.options.Frozen, o.Lazy = true, true
			return a.finish(a.each(&r, func(b *builder.Builder) error {
				b.From = cmp.Or(from, defaultWheelhouse(b))
				return a.buildOne(cmd, b, o)
			}))
		},
	}
	frozenFlags(cmd, &r)
	r.addIndexes(cmd)
	destinationFlags(cmd, &o)
	cmd.Flags().StringVar(&from, "wheelhouse", "", "the folder to take files from that the cache lacks (default wheelhouse.PROFILE)")
	a.jsonFlag(cmd)
	return cmd
}

// frozenFlags are those of commands that take a profile's lock as it stands.
func frozenFlags(cmd *cobra.Command, r *resolveFlags) {
	f := cmd.Flags()
	f.StringSliceVarP(&r.profiles, "profile", "p", nil, "profile: a name, a path, or several with commas")
	f.StringVarP(&r.options.LockPath, "output", "o", "", "the lock file (default ./pylock.PROFILE.toml)")
	f.StringVar(&r.options.Python, "python", "", "another Python for the profile, X.Y, as lock was given")
}
