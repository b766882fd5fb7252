package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"wheelwright/builder"
	"wheelwright/fault"
)

func (a *app) cacheCommand() *cobra.Command {
	return group("cache", "Say where the cache is, what it holds, and remove what is not needed",
		a.cacheDirCommand(), a.cacheSize(), a.cachePrune())
}

func (a *app) cacheDirCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dir",
		Short: "Print the folder of the cache",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			if a.json {
				return a.printJSON(map[string]string{"dir": a.cache()})
			}
			_, err := fmt.Fprintln(a.stdout, a.cache())
			return err
		},
	}
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) cacheSize() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "size",
		Short: "Say what the cache holds, in bytes",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			u, err := builder.CacheSize(a.cache())
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(u)
			}
			w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
			for _, p := range u.Parts {
				fmt.Fprintf(w, "%d\t%s\t%d files\t%s\t\n", p.Bytes, bytesText(p.Bytes), p.Files, p.Name)
			}
			fmt.Fprintf(w, "%d\t%s\t%d files\ttotal\t\n", u.Bytes, bytesText(u.Bytes), u.Files)
			return w.Flush()
		},
	}
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) cachePrune() *cobra.Command {
	var o builder.PruneOptions
	cmd := &cobra.Command{
		Use:   "prune",
		Short: "Remove what nobody goes on from: old partial and temporary files",
		Long: `Remove partial and temporary files older than a day, and pages and METADATA that
an earlier release kept in a form no longer read. With --keep-lock, also every
file of the store that none of the given locks names; with --all, everything.
All of it can be had again.`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			if o.All && len(o.KeepLocks) > 0 {
				return fault.New(fault.Input, "--all and --keep-lock exclude each other").Try("leave one of them out")
			}
			p, err := builder.CachePrune(a.cache(), o)
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(p)
			}
			verb := "removed"
			if o.DryRun {
				verb = "would remove"
			}
			_, err = fmt.Fprintf(a.stdout, "%s %d files, %d bytes from %s\n", verb, p.Files, p.Bytes, p.Dir)
			return err
		},
	}
	cmd.Flags().BoolVar(&o.All, "all", false, "remove everything")
	cmd.Flags().StringArrayVar(&o.KeepLocks, "keep-lock", nil, "keep the files of this lock and remove the store's others (may be repeated)")
	cmd.Flags().BoolVar(&o.DryRun, "dry-run", false, "only say what would go")
	a.jsonFlag(cmd)
	return cmd
}
