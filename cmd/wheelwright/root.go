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
		a.lockCommand(), a.buildCommand(), a.wheelhouseCommand(), a.cacheCommand(),
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

// resolveFlags are the flags of every command that needs a lock.
type resolveFlags struct {
	profiles []string
	trace    string
	index    []string
	options  builder.Options
}

// add registers the flags on c.
func (r *resolveFlags) add(c *cobra.Command) {
	f := c.Flags()
	f.StringSliceVarP(&r.profiles, "profile", "p", nil, "profile: a name, a path, or several with commas")
	f.StringVarP(&r.options.LockPath, "output", "o", "", "the lock file (default ./pylock.PROFILE.toml)")
	f.StringVar(&r.options.Python, "python", "", "another Python for the profile, X.Y; the lock is pylock.PROFILE-pyXY.toml")
	f.BoolVar(&r.options.Upgrade, "upgrade", false, "choose anew: do not keep the versions of an existing lock")
	f.StringSliceVar(&r.options.UpgradePackages, "upgrade-package", nil, "choose this distribution anew (may be repeated)")
	f.BoolVar(&r.options.Locked, "locked", false, "fail (1) if the lock would change")
	f.BoolVar(&r.options.Frozen, "frozen", false, "use the lock as it is, without looking at the index")
	f.BoolVar(&r.options.Offline, "offline", false, "open no socket: cached pages and files only")
	f.StringVar(&r.options.IndexURL, "index-url", "", "replace the default index and those of environment and configuration files")
	f.StringArrayVar(&r.index, "index", nil, "replace one of the profile's indexes, NAME=URL (may be repeated)")
	f.StringVar(&r.trace, "trace", "", "write one line for each request to FILE (- is stderr)")
	if err := c.RegisterFlagCompletionFunc("profile", profileNames); err != nil {
		panic(err) // the flag is defined above
	}
}

// profileNames completes a profile: a shipped name, or a file.
func profileNames(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return builder.ProfileNames(), cobra.ShellCompDirectiveDefault
}

// each runs do for each profile asked for, with a builder made for it.
func (a *app) each(r *resolveFlags, do func(*builder.Builder) error) error {
	if len(r.profiles) == 0 {
		return fault.New(fault.Input, "no profile given").Try("--profile NAME with one of: %s", strings.Join(builder.ProfileNames(), ", "))
	}
	if r.options.LockPath != "" && len(r.profiles) > 1 {
		return fault.New(fault.Input, "--output names one file and %d profiles are asked for", len(r.profiles)).Try("leave --output out: each lock is then ./pylock.PROFILE.toml")
	}
	if r.options.Locked && r.options.Frozen {
		return fault.New(fault.Input, "--locked and --frozen exclude each other").Try("--frozen uses the lock unlooked, --locked checks it")
	}
	if r.options.Frozen && (r.options.Upgrade || len(r.options.UpgradePackages) > 0) {
		return fault.New(fault.Input, "--frozen and --upgrade exclude each other").Try("leave one of them out")
	}
	replace := map[string]string{}
	for _, s := range r.index {
		name, url, ok := strings.Cut(s, "=")
		if !ok || name == "" || url == "" {
			return fault.New(fault.Input, "--index %q is not NAME=URL", s).Try("--index pytorch-cu118=https://mirror.example/cu118")
		}
		replace[name] = url
	}
	home, _ := os.UserHomeDir() // none: no per-user files are read
	var trace io.Writer
	switch r.trace {
	case "":
	case "-":
		trace = a.stderr
	default:
		f, err := os.Create(r.trace)
		if err != nil {
			return fault.New(fault.Input, "--trace").Wrap(err)
		}
		defer f.Close()
		trace = f
	}
	var builders []*builder.Builder // all of them first: a misspelt name is told before an hour's build
	owners := map[string]string{}
	for _, name := range r.profiles {
		o := r.options
		o.Profile, o.CacheDir, o.Trace, o.ReplaceIndex = name, a.cache(), trace, replace
		o.Env, o.Home, o.Report = os.Getenv, home, a.screen.report
		b, err := builder.New(o)
		if err != nil {
			return err
		}
		if owner, twice := owners[b.LockPath]; twice {
			return fault.New(fault.Input, "profiles %s and %s have one lock, %s", owner, name, shown(b.LockPath)).
				Try("give the profiles different names, or run twice with --output")
		}
		owners[b.LockPath] = name
		builders = append(builders, b)
	}
	for _, b := range builders {
		if err := do(b); err != nil {
			return err
		}
	}
	return nil
}
