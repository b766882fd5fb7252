package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"wheelwright/builder"
	"wheelwright/fault"
)

func (a *app) profilesCommand() *cobra.Command {
	return group("profiles", "List and show hardware profiles", a.profilesList(), a.profilesShow())
}

func (a *app) profilesList() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the shipped profiles",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			rows, err := builder.ListProfiles()
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(rows)
			}
			w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "NAME\tCUDA\tCOMPUTE\tPYTHON\tSUMMARY")
			for _, r := range rows {
				if r.Refused != "" {
					r.Summary = strings.TrimSpace("refused: cannot be built. " + r.Summary)
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", r.Name, dash(r.CUDA), dash(strings.Join(r.Compute, " ")), r.Python, r.Summary)
			}
			return w.Flush()
		},
	}
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) profilesShow() *cobra.Command {
	cmd := &cobra.Command{
		Use:               "show NAME|PATH",
		Short:             "Print a profile as it is after extends is merged, as YAML",
		ValidArgsFunction: profileNames,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fault.New(fault.Input, "profiles show takes one profile, got %d", len(args)).
					Try("wheelwright profiles show NAME, with one of: %s", strings.Join(builder.ProfileNames(), ", "))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			yaml, value, err := builder.ShowProfile(args[0])
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(value)
			}
			_, err = a.stdout.Write(yaml)
			return err
		},
	}
	a.jsonFlag(cmd)
	return cmd
}

// dash stands for an empty cell.
func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
