package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"wheelwright/builder"
	"wheelwright/fault"
)

// resolveFlags are the flags of every command that resolves.
type resolveFlags struct {
	profiles []string
	all      bool
	trace    string
	index    []string
	options  builder.Options
}

// add registers the flags on c.
func (r *resolveFlags) add(c *cobra.Command) {
	f := c.Flags()
	f.StringSliceVarP(&r.profiles, "profile", "p", nil, "profile: a name, a path, or several with commas")
	f.BoolVar(&r.all, "all", false, "every shipped profile that can be solved, besides those named")
	f.StringVarP(&r.options.LockPath, "output", "o", "", "the lock file (default ./pylock.PROFILE.toml)")
	f.StringVar(&r.options.Python, "python", "", "another Python for the profile, X.Y; the lock is pylock.PROFILE-pyXY.toml")
	f.BoolVar(&r.options.Upgrade, "upgrade", false, "choose anew: do not keep the versions of an existing lock")
	f.StringSliceVar(&r.options.UpgradePackages, "upgrade-package", nil, "choose this distribution anew (may be repeated)")
	f.StringVar(&r.options.ExcludeNewer, "exclude-newer", "", "as if nothing had been uploaded after this day (YYYY-MM-DD, UTC), or from this RFC 3339 time on")
	f.BoolVar(&r.options.Locked, "locked", false, "fail (1) if the lock would change")
	f.BoolVar(&r.options.Frozen, "frozen", false, "use the lock as it is, without looking at the index")
	f.BoolVar(&r.options.Offline, "offline", false, "open no socket: cached pages and files only")
	r.addIndexes(c)
	if err := c.RegisterFlagCompletionFunc("profile", profileNames); err != nil {
		panic(err) // the flag is defined above
	}
}

// addUpgradeBase adds the flag of the commands that record the base.
func (r *resolveFlags) addUpgradeBase(c *cobra.Command) {
	c.Flags().BoolVar(&r.options.UpgradeBase, "upgrade-base", false, "take the base as it is now: do not keep the Debian packages, or the image, that the lock names")
}

// addIndexes adds what says where files come from.
func (r *resolveFlags) addIndexes(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&r.options.IndexURL, "index-url", "", "replace the default index and those of environment and configuration files")
	f.StringArrayVar(&r.index, "index", nil, "replace one of the profile's indexes, NAME=URL (may be repeated)")
	f.StringVar(&r.trace, "trace", "", "write one line for each request to an index to FILE (- is stderr)")
}

// profileNames completes a profile: a shipped name, or a file.
func profileNames(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return builder.ProfileNames(), cobra.ShellCompDirectiveDefault
}

// check refuses flags that contradict one another.
func (r *resolveFlags) check() error {
	if len(r.profiles) == 0 && !r.all {
		return fault.New(fault.Input, "no profile given").Try("--profile NAME with one of: %s", strings.Join(builder.ProfileNames(), ", "))
	}
	if n := len(r.profiles); r.options.LockPath != "" && (n > 1 || r.all) {
		many := fmt.Sprintf("%d profiles", n)
		if r.all {
			many = "all profiles"
		}
		return fault.New(fault.Input, "--output names one file and %s are asked for", many).Try("leave --output out: each lock is then ./pylock.PROFILE.toml")
	}
	if r.options.Locked && r.options.Frozen {
		return fault.New(fault.Input, "--locked and --frozen exclude each other").Try("--frozen uses the lock unlooked, --locked checks it")
	}
	for _, other := range []struct {
		flag  string
		given bool
	}{
		{"--upgrade", r.options.Upgrade || len(r.options.UpgradePackages) > 0},
		{"--upgrade-base", r.options.UpgradeBase},
		{"--exclude-newer", r.options.ExcludeNewer != ""},
	} {
		if r.options.Frozen && other.given {
			return fault.New(fault.Input, "--frozen and %s exclude each other", other.flag).Try("leave one of them out")
		}
	}
	return nil
}

// several asks check where more profiles than one are asked for.
func (r *resolveFlags) several(check func() error) error {
	if len(r.profiles) > 1 || r.all {
		return check()
	}
	return nil
}

// replaced is --index for each of several profiles: what names one of its
// indexes. What names none of any is left to the first, which refuses it.
func (r *resolveFlags) replaced(profiles []string) ([]map[string]string, error) {
	out := make([]map[string]string, len(profiles))
	for i := range out {
		out[i] = map[string]string{}
	}
	for _, s := range r.index {
		index, url, ok := strings.Cut(s, "=")
		if !ok || index == "" || url == "" {
			return nil, fault.New(fault.Input, "--index %q is not NAME=URL", s).Try("--index pytorch-cu118=https://mirror.example/cu118")
		}
		used := false
		for i, profile := range profiles {
			names, err := builder.ProfileIndexes(profile)
			if err != nil {
				return nil, err
			}
			if slices.Contains(names, index) {
				out[i][index], used = url, true
			}
		}
		if !used {
			out[0][index] = url
		}
	}
	return out, nil
}
