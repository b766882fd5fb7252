package main

import (
	"cmp"
	"fmt"

	"github.com/spf13/cobra"

	"wheelwright/builder"
	"wheelwright/fault"
)

func (a *app) wheelhouseCommand() *cobra.Command {
	return group("wheelhouse", "Fill and verify the offline wheelhouse of a profile", a.wheelhouseFill(), a.wheelhouseVerify())
}

// defaultWheelhouse is the folder of a profile's wheels when none is given.
func defaultWheelhouse(b *builder.Builder) string {
	return "wheelhouse." + b.Name
}

func (a *app) wheelhouseFill() *cobra.Command {
	var r resolveFlags
	var o builder.FillOptions
	cmd := &cobra.Command{
		Use:   "fill --profile NAME",
		Short: "Bring every file of a profile's lock into a folder, checked by sha256",
		Long: `Resolve a profile (or keep its lock), take from the folder and download what the
cache lacks, check every file by sha256, and lay the wheels out by file name, the
Debian packages of the base below debs/, the files of an image base below blobs/.
The lock records what the base is. A download that was cut goes on where it
stopped. With the lock, the folder is enough to build the image with no network;
pip and uv install from it with --find-links. Prints the folder on stdout.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.Dir != "" && (len(r.profiles) > 1 || r.all) {
				return fault.New(fault.Input, "--dir names one folder and several profiles are asked for").Try("leave --dir out: each folder is then wheelhouse.PROFILE")
			}
			return a.finish(a.each(&r, func(b *builder.Builder) error {
				o := o
				o.Dir = cmp.Or(o.Dir, defaultWheelhouse(b))
				b.From = o.Dir
				filled, err := b.Fill(cmd.Context(), o)
				if err != nil {
					return err
				}
				a.tellLock(filled.Locked)
				a.document(builder.FillReport{Lock: filled.Locked.Report(), Dir: o.Dir, Files: filled.Artifacts})
				if !a.json {
					fmt.Fprintln(a.stdout, o.Dir)
				}
				return nil
			}))
		},
	}
	r.add(cmd)
	r.addUpgradeBase(cmd)
	cmd.Flags().StringVarP(&o.Dir, "dir", "d", "", "the folder (default wheelhouse.PROFILE)")
	cmd.Flags().BoolVar(&o.NoBase, "no-base", false, "wheels alone: no base is resolved, fetched or laid out")
	registryFlags(cmd, &o.Registry)
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) wheelhouseVerify() *cobra.Command {
	var r resolveFlags
	var o builder.FillOptions
	cmd := &cobra.Command{
		Use:   "verify --profile NAME",
		Short: "Check a wheelhouse folder against the profile's lock",
		Long: `Read every file of the folder, those of the base that the lock names included, and
compare it with the lock by sha256. Exit 5 if a file's bytes differ, 1 if a file is missing, 0 otherwise; files that the lock
does not name are reported and do no harm. Opens no socket.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r.options.Offline = true
			var bad error
			err := a.each(&r, func(b *builder.Builder) error {
				o := o
				o.Dir = cmp.Or(o.Dir, defaultWheelhouse(b))
				report, err := b.Verify(cmd.Context(), o)
				if err != nil {
					return err
				}
				a.document(report)
				if !a.json {
					a.printVerify(report)
				}
				if err := report.Report.Err(); err != nil && (bad == nil || fault.KindOf(err) == fault.Integrity) {
					bad = err
				}
				return nil
			})
			if err == nil {
				err = bad
			}
			return a.finish(err)
		},
	}
	frozenFlags(cmd, &r)
	cmd.Flags().StringVarP(&o.Dir, "dir", "d", "", "the folder (default wheelhouse.PROFILE)")
	cmd.Flags().BoolVar(&o.NoBase, "no-base", false, "wheels alone: the base's files need not be there")
	a.jsonFlag(cmd)
	return cmd
}

// printVerify tells what is wrong with a folder, a line each.
func (a *app) printVerify(v builder.VerifyReport) {
	r := v.Report
	for _, w := range r.Wrong {
		if w.Reason != "" {
			fmt.Fprintf(a.stdout, "unreadable %s: %s\n", w.Name, w.Reason)
			continue
		}
		fmt.Fprintf(a.stdout, "wrong %s: sha256 is %s, lock says %s\n", w.Name, w.Got, w.SHA256)
	}
	for _, name := range r.Missing {
		fmt.Fprintf(a.stdout, "missing %s\n", name)
	}
	for _, name := range r.Extra {
		fmt.Fprintf(a.stdout, "extra %s\n", name)
	}
	fmt.Fprintf(a.stdout, "%s: %d of %d files right, %d bytes read\n", r.Dir, r.Right, r.Files, r.Bytes)
}
