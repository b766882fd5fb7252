package main

import (
	"bufio"
	"fmt"

	"github.com/spf13/cobra"

	"wheelwright/builder"
	"wheelwright/fault"
)

func (a *app) treeCommand() *cobra.Command {
	var s standingFlags
	var o builder.TreeOptions
	cmd := &cobra.Command{
		Use:   "tree [--profile NAME | LOCK]",
		Short: "Show who needs whom in a lock",
		Long: `Show the dependency tree of a lock, from what its profile requires downwards; of
a lock whose profile is not found, from what nothing else needs. What stands
below a distribution is shown once; (*) marks it where it is left out.
--invert shows instead who needs a distribution, up to the profile.

LOCK is a path, or NAME for ./pylock.NAME.toml where no file is called so.
Reads the lock alone and opens no socket. Exit 1 if the lock does not hold what
--invert names.`,
		Example: `  wheelwright tree --profile ada_cu124 --depth 1
  wheelwright tree pylock.ada_cu124.toml --invert numpy`,
		Args: upToOneLock,
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.Depth < 0 && cmd.Flags().Changed("depth") {
				return fault.New(fault.Input, "--depth %d is below 0", o.Depth).Try("leave --depth out to show all levels")
			}
			refs, err := s.refs(cmd, args)
			if err != nil {
				return err
			}
			var trees []*builder.Tree
			for _, ref := range refs {
				lock, err := builder.OpenLock(ref)
				if err != nil {
					return err
				}
				t, err := lock.Tree(o)
				if err != nil {
					return err
				}
				a.tellStanding(lock)
				if t.Unrelated {
					a.warn("%s does not say who needs whom: every distribution stands alone", shown(lock.Path))
				}
				trees = append(trees, t)
			}
			if a.json {
				return a.printJSON(trees)
			}
			return a.printTrees(trees)
		},
	}
	s.add(cmd)
	cmd.Flags().StringSliceVarP(&o.Invert, "invert", "i", nil, "show who needs this distribution instead (may be repeated)")
	cmd.Flags().IntVar(&o.Depth, "depth", -1, "how many levels below the top to show (default all)")
	a.jsonFlag(cmd)
	return cmd
}

// branch is one column in front of a node: by whether it is the node's own, and
// whether the node of that level is the last of its kind.
var branch = map[bool]map[bool]string{
	true:  {false: "├── ", true: "└── "},
	false: {false: "│   ", true: "    "},
}

// printTrees draws trees, with an empty line between two.
func (a *app) printTrees(trees []*builder.Tree) error {
	w := bufio.NewWriter(a.stdout)
	for i, t := range trees {
		if i > 0 {
			fmt.Fprintln(w)
		}
		unconnected := 1 // levels that stand at the left margin
		if !t.Inverted {
			unconnected = 0
			if t.Profile != "" {
				fmt.Fprintf(w, "%s (%s)\n", line(t.Profile), shown(t.Path))
			} else {
				fmt.Fprintln(w, shown(t.Path))
			}
		}
		var last []bool // of each node on the way to the one drawn
		t.Walk(func(n builder.TreeNode) {
			last = append(last[:n.Level], n.Last)
			for level := unconnected; level <= n.Level; level++ {
				w.WriteString(branch[level == n.Level][last[level]])
			}
			fmt.Fprintln(w, nodeText(t, n))
		})
	}
	return w.Flush()
}

// nodeText is what one node says.
func nodeText(t *builder.Tree, n builder.TreeNode) string {
	if n.Profile {
		return "profile " + line(t.Profile)
	}
	text := n.Package.Name + " " + n.Package.Version
	if n.Package.Version == "" {
		text += "(not in the lock)"
	}
	if n.Package.CUDA != "" {
		text += " (CUDA " + line(n.Package.CUDA) + ")"
	}
	if n.Again {
		text += " (*)"
	}
	return text
}
