package builder

import (
	"context"
	"sync"
	"syscall"
	"time"

	"wheelwright/fault"
	"wheelwright/images"
	"wheelwright/images/rootfs"
	"wheelwright/images/rootfs/sandbox"
)

// StepRootfs lays the image out as a folder.
const StepRootfs Step = "rootfs"

// Enter is the first statement of a program, and of a TestMain, that runs
// commands in images: it is started again as their helper.
func Enter() { sandbox.Enter() }

// RunOptions say what is run in an image, and with what.
type RunOptions struct {
	Args        []string // the command; none: the image's entry point and command
	User        string   // UID or NAME, or either with :GID or :GROUP; empty: the image's
	Workdir     string   // absolute; empty: the image's
	Env         []string // NAME=value, over the image's
	Binds       []Bind
	HostNetwork bool          // else a loopback alone
	Timeout     time.Duration // 0: none
	Memory      int64         // bytes of all its processes; 0: no limit
	Registry    Registry      // how a registry base is reached
	Started     func()        // called before the command starts, when nothing more is reported; may be nil

	Told func(missing []string) // gets what is not isolated, in words, after Started and before the command starts; may be nil
}

// Bind shows a file or folder of this host in an image.
type Bind struct {
	From, To string // absolute
	ReadOnly bool
}

// Ran is how a command ended.
type Ran struct {
	Code int // exit status, 128 + the number of the signal that killed it; 126, 127: it cannot be run, it is not there
}

// maxProcesses of a command: more than any needs that does not run wild.
const maxProcesses = 4096

// Run runs a command in the profile's image, laid out in the cache, with no
// network and nothing of this host but what is bound. The lock that stands is
// taken as it is where it is of the profile as it is now. An error beside a
// Code that is not 0 says why the command ended so.
func (b *Builder) Run(ctx context.Context, o RunOptions) (Ran, error) {
	c, root, err := b.layOut(ctx, o)
	if err != nil {
		return Ran{}, err
	}
	command, err := b.command(c, root, o)
	if err != nil {
		return Ran{}, err
	}
	if o.Started != nil {
		o.Started()
	}
	r, err := command.Run(ctx)
	if fault.KindOf(err) == fault.Interrupted { // before it started
		return Ran{}, err
	}
	ran := Ran{Code: r.Code}
	if r.Signal != 0 {
		ran.Code = 128 + int(r.Signal)
	}
	if err == nil && r.Exceeded != "" {
		if ran.Code == 0 {
			ran.Code = 128 + int(syscall.SIGKILL)
		}
		err = fault.New(fault.No, "the command was stopped: it exceeded its limit of %s", r.Exceeded).Try("give it more: --timeout, --memory")
	}
	return ran, err
}

// layOut gives the profile's image as a folder: the one in the cache, else one
// that is laid out now from what the House has, or is given.
func (b *Builder) layOut(ctx context.Context, o RunOptions) (*images.Contents, *rootfs.Root, error) {
	if b.refusal != nil && !b.Frozen {
		return nil, nil, b.refusal
	}
	registry, err := o.Registry.options()
	if err != nil {
		return nil, nil, err
	}
	release := b.holdBack(StepBase)
	base := b.openBase(ctx, registry) // before the lock is written anew
	locked, err := b.standingLock(ctx)
	if err != nil {
		return nil, nil, b.explained(ctx, err, nil)
	}
	if err := base.wait(); err != nil {
		return nil, nil, b.explained(ctx, err, nil)
	}
	if !base.pinned {
		release()
		if err := b.record(locked, base.base, nil); err != nil {
			return nil, nil, err
		}
	}
	s := b.supplies(ctx, locked, base.base)
	c, root, err := s.root(b.spec(locked, base.base, time.Time{}))
	if err = s.end(err); err != nil {
		return nil, nil, b.explained(ctx, err, s.artifacts())
	}
	return c, root, nil
}

// holdBack keeps the notes of a step until anything else is told, or release is
// called: what stands as it stood is not worth a line.
func (b *Builder) holdBack(step Step) (release func()) {
	tell := b.Report
	if tell == nil {
		return func() {}
	}
	var mu sync.Mutex
	var held []Event
	flush := func() {
		for _, e := range held {
			tell(e)
		}
		held, step = nil, ""
	}
	b.Report = func(e Event) {
		mu.Lock()
		defer mu.Unlock()
		if e.Step == step && e.Kind == Note {
			held = append(held, e)
			return
		}
		flush()
		tell(e)
	}
	return func() {
		mu.Lock()
		defer mu.Unlock()
		flush()
	}
}

// standingLock is the lock that stands, where it is of the profile as it is now
// and nothing else is asked for; else Lock's. So a second run asks no index.
func (b *Builder) standingLock(ctx context.Context) (*Locked, error) {
	if b.Frozen || b.Locked || b.Upgrade || b.refusal != nil || len(b.UpgradePackages) > 0 {
		return b.Lock(ctx)
	}
	old, _, err := readLock(b.LockPath)
	if err != nil {
		return nil, err
	}
	want := b.lockMeta()
	if old == nil || old.ProfileDigest != want.ProfileDigest || old.Target != want.Target || !old.ExcludeNewer.Equal(want.ExcludeNewer) {
		return b.Lock(ctx)
	}
	return &Locked{Path: b.LockPath, Lock: *old}, nil
}
