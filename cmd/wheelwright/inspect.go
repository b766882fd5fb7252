package main

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"wheelwright/builder"
	"wheelwright/fault"
)

func (a *app) inspectCommand() *cobra.Command {
	var o builder.InspectOptions
	var check bool
	cmd := &cobra.Command{
		Use:   "inspect IMAGE",
		Short: "Show what an image holds and whether it equals its lock",
		Long: `Show an image's packages, its layers with what they hold, its base, profile and
digest. Of a registry only the manifest, the configuration and the small layer
that holds the lock are fetched, each compared with its digest.

IMAGE is oci:DIR[:TAG], oci-archive:FILE[:TAG], docker-archive:FILE[:TAG or
NAME:TAG] or a registry reference (credentials are docker's, plain HTTP on
loopback). An image that another program made is shown as far as it goes.

Two locks are compared with the image: the one inside it with the digest on its
label, and ./pylock.PROFILE.toml, or --lock, with the one inside, its layers of
wheels and what stands above them. Exit code 0 whatever is found; with --check 1
unless the image holds the lock that its label names and the lock here, if one
stands, is the same.`,
		Example: `  wheelwright inspect oci:out/ada_cu124
  wheelwright inspect localhost:5000/ml:ada_cu124 --check
  wheelwright inspect docker-archive:ada.tar --json`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fault.New(fault.Input, "%s takes one image, got %d", c.CommandPath(), len(args)).Try("%s --help", c.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := builder.Inspect(cmd.Context(), args[0], o)
			if err != nil {
				return err
			}
			if a.json {
				err = a.printJSON(r)
			} else {
				err = printInspect(a.stdout, r)
			}
			if err == nil && check && !r.Right() {
				return fault.New(fault.No, "").Wrap(errSaid)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&o.Lock, "lock", "", "the lock to compare with: a path, or NAME for ./pylock.NAME.toml (default ./pylock.PROFILE.toml where it stands)")
	cmd.Flags().BoolVar(&check, "check", false, "exit 1 unless the image equals its lock")
	cmd.Flags().StringVar(&o.Machine, "machine", "", "which of several images: x86_64 or aarch64 (default this machine's)")
	registryFlags(cmd, &o.Registry)
	a.jsonFlag(cmd)
	return cmd
}

// printInspect writes what is said of an image.
func printInspect(to io.Writer, r *builder.InspectReport) error {
	b := bufio.NewWriter(to)
	fmt.Fprintln(b, line(r.Name))
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	row := func(key string, values ...string) {
		if text := line(strings.Join(values, " ")); text != "" {
			fmt.Fprintf(w, "%s\t%s\n", key, text)
		}
	}
	row("digest", cmp.Or(r.Digest, "none (id "+r.ID+")"))
	row("tags", strings.Join(r.Tags, ", "))
	row("profile", r.Profile)
	row("platform", r.Platform)
	row("created", r.Created)
	row("user", cmp.Or(r.User, "root"))
	row("workdir", r.Workdir)
	row("entrypoint", r.Entrypoint...)
	row("cmd", r.Cmd...)
	row("base", r.Base.Name, r.Base.Digest)
	row("lock", r.LockDigest)
	row("in image", verdict(r.Inside, "no lock inside")...)
	row("here", verdict(r.Here, "no lock here")...)
	if err := w.Flush(); err != nil {
		return err
	}
	for _, reason := range append(append([]string{}, r.Inside.Reasons...), r.Here.Reasons...) {
		fmt.Fprintf(b, "  %s\n", line(reason))
	}
	fmt.Fprintf(b, "\nlayers: %d, %s\n", len(r.Layers), bytesText(r.Size))
	w = tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for _, l := range r.Layers {
		fmt.Fprintf(w, "  %.19s\t%s\t%s\n", line(cmp.Or(l.Digest, l.DiffID)), bytesText(l.Size), held(l))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if r.Inside.State == builder.None {
		return b.Flush()
	}
	fmt.Fprintf(b, "\npackages: %d\n", len(r.Packages))
	for _, p := range r.Packages {
		text := p.Name + " " + p.Version
		if p.CUDA != "" {
			text += " (CUDA " + p.CUDA + ")"
		}
		fmt.Fprintf(b, "  %s\n", line(text))
	}
	return b.Flush()
}

// verdict is how an image and a lock compare, on one line.
func verdict(v builder.Verdict, none string) []string {
	if v.State == builder.None {
		return []string{none}
	}
	text := []string{v.State}
	switch {
	case v.Lock != "" && v.State == builder.Equal:
		text = []string{"equal to", shown(v.Lock)}
	case v.Lock != "":
		text = []string{"differs from", shown(v.Lock)}
	}
	if v.Note != "" {
		text = append(text, "("+v.Note+")")
	}
	return text
}

// heldWidth is how much, in bytes, is shown of what a layer holds.
const heldWidth = 100

// held is what a layer holds, as far as it fits.
func held(l builder.InspectLayer) string {
	if len(l.Members) == 0 {
		return "(its history does not say)"
	}
	text := line(l.Members[0])
	if len(text) > heldWidth {
		return strings.ToValidUTF8(text[:heldWidth], "") + "…"
	}
	for i, m := range l.Members[1:] {
		if len(text)+len(m)+2 > heldWidth {
			return fmt.Sprintf("%s and %d more", text, len(l.Members)-1-i)
		}
		text += ", " + line(m)
	}
	return text
}
