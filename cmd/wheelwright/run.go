package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"wheelwright/builder"
	"wheelwright/fault"
)

// exited is the end of a command that was run, as the exit code of this one.
type exited struct {
	code int
	err  error // what is told of it; nil: nothing
}

func (e exited) Error() string { return fmt.Sprintf("exit status %d", e.code) }

func (a *app) runCommand() *cobra.Command {
	var r resolveFlags
	var o builder.RunOptions
	var binds, env []string
	var network, memory, from string
	cmd := &cobra.Command{
		Use:   "run --profile NAME [-- COMMAND…]",
		Short: "Run a command in the image of a profile",
		Long: `Run a command in the image of a profile, laid out in the cache: no image is
written and no runtime is needed. A lock that is of the profile as it stands is
taken as it is; else the profile is resolved. Without a command, the image's own
entry point and command are run.

The command sees the image read-only, with empty folders in memory for what it
writes: /tmp, /var/tmp, /run, /dev/shm, its home and an empty working folder. It
has no network but a loopback, and nothing of this host but what --bind shows it.
Run by root, it is a user of this host that owns nothing: what it writes to a
folder of --bind, everybody may write.

Its terminal, signals and exit status are its own: 128 and the signal's number
where a signal ended it or a limit was exceeded, 127 where there is no such
command, 126 where it cannot be run. Before it starts, the exit codes are those
of wheelwright.`,
		Example: `  wheelwright run --profile ada_cu124 -- python -c 'import torch; print(torch.__version__)'
  wheelwright run --profile ada_cu124 --bind ./src:/srv/src:ro --workdir /srv/src -- python train.py
  wheelwright run --profile ada_cu124 --network host --user 1000 -- python`,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if err := r.several(func() error {
				return fault.New(fault.Input, "run takes one profile").Try("run one after the other")
			}); err != nil {
				return err
			}
			o.Args = args
			if o.HostNetwork, err = hostNetwork(network); err != nil {
				return err
			}
			if o.Binds, err = bound(binds); err != nil {
				return err
			}
			if o.Env, err = environment(env); err != nil {
				return err
			}
			if kind := os.Getenv("TERM"); a.screen.live && kind != "" {
				o.Env = append([]string{"TERM=" + kind}, o.Env...)
			}
			if o.Memory, err = byteSize("--memory", memory); err != nil {
				return err
			}
			if o.Workdir != "" && !path.IsAbs(o.Workdir) {
				return fault.New(fault.Input, "--workdir %s is not absolute", o.Workdir).Because("it is a folder of the image").Try("--workdir /%s", o.Workdir)
			}
			if o.Timeout < 0 {
				return fault.New(fault.Input, "--timeout %v is over before it begins", o.Timeout)
			}
			o.Started = a.screen.close
			if !a.quiet {
				o.Told = func(missing []string) { fmt.Fprintln(a.stderr, "not isolated: "+strings.Join(missing, "; ")) }
			}
			return a.each(&r, func(b *builder.Builder) error {
				if b.From = from; from == "" {
					b.From = defaultWheelhouse(b)
				}
				ran, err := b.Run(cmd.Context(), o)
				if ran.Code != 0 {
					return exited{ran.Code, err}
				}
				return err
			})
		},
	}
	r.add(cmd)
	f := cmd.Flags()
	f.SetInterspersed(false) // what follows the command is its own
	f.StringArrayVar(&binds, "bind", nil, "show a file or folder of this host in the image, SRC:DST or SRC:DST:ro (may be repeated)")
	f.StringVar(&network, "network", "none", "none: a loopback alone; host: this host's network")
	f.StringVar(&o.User, "user", "", "run as this user, UID or NAME, with :GID or :GROUP or without (default the image's)")
	f.StringVar(&o.Workdir, "workdir", "", "the folder of the image to run in (default the image's)")
	f.StringArrayVar(&env, "env", nil, "set a variable, NAME=VALUE, or NAME to take this one's (may be repeated)")
	f.DurationVar(&o.Timeout, "timeout", 0, "end the command after so long: 90s, 10m (default never)")
	f.StringVar(&memory, "memory", "", "end the command where its processes take more: 512M, 8G (default no limit)")
	f.StringVar(&from, "wheelhouse", "", "the folder to take files from that the cache lacks (default wheelhouse.PROFILE)")
	r.addUpgradeBase(cmd)
	registryFlags(cmd, &o.Registry)
	return cmd
}

func hostNetwork(s string) (bool, error) {
	switch s {
	case "none":
		return false, nil
	case "host":
		return true, nil
	}
	return false, fault.New(fault.Input, "--network %q", s).Because("a command has no network or this host's").Try("--network none or --network host")
}

// bound reads --bind.
func bound(list []string) ([]builder.Bind, error) {
	var out []builder.Bind
	for _, s := range list {
		refuse := func(why string, args ...any) error {
			return fault.New(fault.Input, "--bind %s", s).Because(why, args...).Try("--bind ./data:/data, or with :ro at its end")
		}
		rest, readOnly := strings.CutSuffix(s, ":ro")
		if !readOnly {
			rest = strings.TrimSuffix(s, ":rw")
		}
		i := strings.LastIndexByte(rest, ':')
		if i <= 0 {
			return nil, refuse("it is not SRC:DST")
		}
		b := builder.Bind{To: path.Clean(rest[i+1:]), ReadOnly: readOnly}
		if !path.IsAbs(b.To) || b.To == "/" {
			return nil, refuse("%q is no absolute path below the image's /", rest[i+1:])
		}
		var err error
		if b.From, err = filepath.Abs(rest[:i]); err != nil {
			return nil, refuse("%v", err)
		}
		if _, err := os.Stat(b.From); err != nil {
			return nil, refuse("%v", err)
		}
		out = append(out, b)
	}
	return out, nil
}

// environment reads --env.
func environment(list []string) ([]string, error) {
	var out []string
	for _, s := range list {
		name, _, given := strings.Cut(s, "=")
		if name == "" || strings.ContainsRune(s, 0) {
			return nil, fault.New(fault.Input, "--env %q is not NAME=VALUE", s)
		}
		if !given {
			value, have := os.LookupEnv(name)
			if !have {
				continue
			}
			s = name + "=" + value
		}
		out = append(out, s)
	}
	return out, nil
}

// byteSize reads a number of bytes: 1073741824, 512M, 8G, 8GiB; empty is 0.
func byteSize(flag, s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	number := strings.TrimRight(s, "bBiIkKmMgGtT")
	shift, known := map[string]int{
		"": 0, "b": 0, "k": 10, "kb": 10, "kib": 10, "m": 20, "mb": 20, "mib": 20, "g": 30, "gb": 30, "gib": 30, "t": 40, "tb": 40, "tib": 40,
	}[strings.ToLower(s[len(number):])]
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || !known || n <= 0 || n > (1<<62)>>shift {
		return 0, fault.New(fault.Input, "%s %q is no size", flag, s).Try("%s 512M or %s 8G", flag, flag)
	}
	return n << shift, nil
}
