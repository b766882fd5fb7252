package main

import (
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"wheelwright/builder"
	"wheelwright/fault"
)

// app is what the commands share: streams, the display and the flags that
// every command takes.
type app struct {
	stdout, stderr io.Writer
	screen         *screen
	documents      []any // what --json prints, where a command works on several profiles

	quiet    bool
	json     bool
	cacheDir string
}

func newApp(stdout, stderr io.Writer) *app {
	return &app{stdout: stdout, stderr: stderr, screen: newScreen(stderr)}
}

func (a *app) rootCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "wheelwright",
		Short: "Reproducible environments for GPU machine learning",
		Long: `wheelwright turns a hardware profile (GPU architecture, CUDA and Python) into a
lock (pylock.toml), an offline wheelhouse and a layered OCI image.

Exit codes: 0 ok; 1 a check said no; 2 usage, malformed input, internal error;
3 unsatisfiable or refused; 4 authentication; 5 integrity; 75 try again;
130 interrupted.`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return unknown(c, args[0])
		},
		RunE:              func(c *cobra.Command, _ []string) error { return c.Help() },
		Version:           release,
		SilenceErrors:     true,
		SilenceUsage:      true,
		DisableAutoGenTag: true,
		PersistentPreRun:  func(*cobra.Command, []string) { a.screen.quiet = a.quiet },
	}
	cmd.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fault.New(fault.Input, "%v", err).Try("%s --help", c.CommandPath())
	})
	f := cmd.PersistentFlags()
	f.BoolVarP(&a.quiet, "quiet", "q", false, "no progress and no notes; errors only")
	f.StringVar(&a.cacheDir, "cache-dir", "", "the cache (default $WHEELWRIGHT_CACHE_DIR, then $XDG_CACHE_HOME/wheelwright, then ~/.cache/wheelwright)")
	cmd.AddCommand(
		a.lockCommand(), a.explainCommand(), a.buildCommand(), a.pushCommand(), a.runCommand(), a.digestCommand(), a.wheelhouseCommand(), a.cacheCommand(),
		a.diffCommand(), a.treeCommand(), a.exportCommand(), a.inspectCommand(),
		a.profilesCommand(), a.versionCommand(),
	)
	cmd.InitDefaultCompletionCmd()
	for _, c := range cmd.Commands() {
		if c.Name() == "completion" {
			holder(c)
		}
	}
	cmd.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	return cmd
}

// group is a command that only holds others.
func group(use, short string, subs ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short}
	c.AddCommand(subs...)
	return holder(c)
}

// holder makes c, which only holds other commands, a usage error alone or
// with an unknown word.
func holder(c *cobra.Command) *cobra.Command {
	c.Args = cobra.ArbitraryArgs
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return unknown(c, args[0])
		}
		return fault.New(fault.Input, "%s: no command given", c.CommandPath()).Try("one of: %s", strings.Join(commands(c), ", "))
	}
	return c
}

// unknown refuses a word that is no command of c.
func unknown(c *cobra.Command, word string) error {
	f := fault.New(fault.Input, "%s: unknown command %s", c.CommandPath(), word)
	c.SuggestionsMinimumDistance = 2
	if near := c.SuggestionsFor(word); len(near) > 0 {
		return f.Try("%s %s", c.CommandPath(), near[0])
	}
	return f.Try("one of: %s", strings.Join(commands(c), ", "))
}

// commands are the names of c's commands.
func commands(c *cobra.Command) []string {
	var names []string
	for _, s := range c.Commands() {
		if s.IsAvailableCommand() {
			names = append(names, s.Name())
		}
	}
	return names
}

// noArgs refuses positional arguments as a usage error.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fault.New(fault.Input, "%s takes no argument, got %q", c.CommandPath(), args[0]).Try("%s --help", c.CommandPath())
	}
	return nil
}

// jsonFlag adds --json to a command that reports something.
func (a *app) jsonFlag(c *cobra.Command) {
	c.Flags().BoolVar(&a.json, "json", false, "report as JSON on stdout")
}

// cache is the cache directory in force.
func (a *app) cache() string { return builder.CacheDir(a.cacheDir, os.Getenv) }
