package builder

import (
	"cmp"
	"os"
	"path"
	"slices"
	"strings"

	"wheelwright/fault"
	"wheelwright/images"
	"wheelwright/images/rootfs"
	"wheelwright/images/rootfs/sandbox"
)

// command is what is run in a root, and how: as a runtime would run the image.
func (b *Builder) command(c *images.Contents, root *rootfs.Root, o RunOptions) (sandbox.Command, error) {
	args := o.Args
	if len(args) == 0 {
		args = slices.Concat(c.Entrypoint, c.Cmd)
	}
	if len(args) == 0 {
		return sandbox.Command{}, fault.New(fault.Input, "no command given, and the image has none").Try("wheelwright run --profile %s -- python", b.Options.Profile)
	}
	who, err := root.Account(cmp.Or(o.User, c.User))
	if err != nil {
		return sandbox.Command{}, err
	}
	env := b.environ(c, who, o)
	dir := cmp.Or(o.Workdir, c.Workdir, "/")
	command := sandbox.Command{
		Root: root.Path, Args: args, Env: env.list(), Dir: dir, UID: who.UID, GID: who.GID,
		Hostname: b.Name, HostNetwork: o.HostNetwork, Attached: true, Told: o.Told,
		Limits: sandbox.Limits{Wall: o.Timeout, Memory: o.Memory, Processes: maxProcesses, Scratch: scratch(o.Memory)},
		Stdin:  os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
	}
	// What has files of the image in it must stay visible.
	if home := env.value("HOME"); path.IsAbs(home) && root.Bare(home) {
		command.Home = home
	}
	if dir != "/" && dir != command.Home && root.Empty(dir) {
		command.Writable = []string{dir}
	}
	for _, x := range o.Binds {
		command.Binds = append(command.Binds, sandbox.Bind(x))
	}
	return command, nil
}

// environ is the image's environment; of another user than the image's, with
// that one's name and home.
func (b *Builder) environ(c *images.Contents, who rootfs.Account, o RunOptions) *environ {
	e := &environ{}
	for _, kv := range c.Env {
		e.set(kv)
	}
	name := cmp.Or(who.Name, "wheelwright")
	for _, kv := range []string{"USER=" + name, "HOME=" + cmp.Or(who.Home, "/home/"+name)} {
		key, _, _ := strings.Cut(kv, "=")
		if _, own := b.Profile.Image.Env[key]; e.value(key) == "" || o.User != "" && !own {
			e.set(kv)
		}
	}
	for _, kv := range o.Env {
		e.set(kv)
	}
	return e
}

// environ is a list of variables, each name once.
type environ struct{ names, values []string }

func (e *environ) set(kv string) {
	name, value, _ := strings.Cut(kv, "=")
	if i := slices.Index(e.names, name); i >= 0 {
		e.values[i] = value
		return
	}
	e.names, e.values = append(e.names, name), append(e.values, value)
}

func (e *environ) value(name string) string {
	if i := slices.Index(e.names, name); i >= 0 {
		return e.values[i]
	}
	return ""
}

func (e *environ) list() []string {
	out := make([]string, len(e.names))
	for i, name := range e.names {
		out[i] = name + "=" + e.values[i]
	}
	return out
}

// scratch is how much may be written to the folders in memory: half of this
// machine's, or all that a command may have; 0 is the sandbox's own default.
func scratch(memory int64) int64 {
	if memory > 0 {
		return memory
	}
	return machineMemory() / 2
}
