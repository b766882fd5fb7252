package builder

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"wheelwright/fault"
	"wheelwright/images"
	"wheelwright/images/deb"
	"wheelwright/solver/lock"
	"wheelwright/wheelhouse"
)

// opening is a base that is found out once, by the first who waits for it.
type opening struct {
	once   sync.Once
	open   func() (*images.Base, error)
	pinned bool              // as the lock has it
	moved  []lock.BaseChange // since the lock was written
	base   *images.Base
	err    error
}

// openBase is the base to be found out: as the lock has it where that is for
// what the profile asks for, else as it is now.
func (b *Builder) openBase(ctx context.Context, registry images.RegistryOptions) *opening {
	i := b.Profile.Image
	o := images.BaseOptions{
		Ref: i.Base, Packages: i.Packages, Machine: b.Profile.Platform.Machine,
		Python: b.Profile.PythonShort(), CacheDir: b.CacheDir, Offline: b.Offline, Env: b.Env, Registry: registry,
		Path: b.house.Path,
	}
	old, _, err := readLock(b.LockPath)
	have, _ := b.baseOf(old)
	if have != nil && !b.UpgradeBase {
		o.Pinned = pinnedBase(have)
	}
	o.Fetch = func(ctx context.Context, list []wheelhouse.Artifact, open wheelhouse.OpenFunc) error {
		return b.fetchBase(ctx, list, b.opener(open, o.Pinned != nil))
	}
	if err == nil {
		o.Apt, err = aptSources(b.Profile, o.Pinned == nil)
	}
	if err != nil {
		return &opening{open: func() (*images.Base, error) { return nil, err }}
	}
	opened := &opening{pinned: o.Pinned != nil}
	opened.open = func() (*images.Base, error) {
		if b.Frozen {
			if err := b.checkBase("--frozen", old); err != nil {
				return nil, err
			}
		}
		base, err := images.OpenBase(ctx, o)
		if err != nil {
			return nil, b.explained(ctx, err, baseArtifacts(have))
		}
		var before *lock.Base
		if old != nil {
			before = old.Base
		}
		opened.moved, err = b.tellBase(base, before, o.Pinned != nil)
		return base, err
	}
	return opened
}

// wait ends when the base is known.
func (o *opening) wait() error {
	o.once.Do(func() { o.base, o.err = o.open() })
	return o.err
}

// baseOf is the base of a lock, where that was resolved for what the profile
// asks for. why says, of a base for something else, what the difference is.
func (b *Builder) baseOf(l *lock.Lock) (base *lock.Base, why string) {
	if l == nil || l.Base == nil {
		return nil, ""
	}
	i, have := b.Profile.Image, l.Base
	for _, x := range []struct{ key, was, now string }{
		{"image.base", baseRef(have, i.Base), i.Base},
		{"platform.machine", l.Target.Machine, b.Profile.Platform.Machine},
		{"image.packages", words(have.Packages), words(sorted(i.Packages))},
		{"image.apt", words(have.Apt), words(b.aptLines())},
	} {
		if x.was != x.now {
			return nil, fmt.Sprintf("%s is %s, the base was resolved for %s", x.key, x.now, x.was)
		}
	}
	if deb.Supported(have.Name) && len(have.Debs) == 0 {
		return nil, "it names no package"
	}
	return have, ""
}

// keptBase is the base that stays in a lock which is written anew. One for
// something else stays until another is found out: who takes the change back,
// or whose build does not get so far, has lost nothing. It does not say for
// which machine it is; that is the lock's target.
func (b *Builder) keptBase(old *lock.Lock) *lock.Base {
	_, why := b.baseOf(old)
	switch {
	case old.Base == nil && old.Image != nil:
		b.note(StepResolve, "of the base, an earlier release wrote too little into the lock to keep it: the next build takes it as it is then")
		return nil
	case why == "":
		return old.Base
	case old.Target.Machine != b.Profile.Platform.Machine:
		b.note(StepResolve, "the lock names no base until one is built on: "+why)
		return nil
	}
	b.note(StepResolve, "the lock keeps its base until another is built on: "+why)
	return old.Base
}

// baseRef is what a locked base was resolved for, as the profile spells that;
// asked is the profile's, for a folder is a fact of the host and in no lock.
func baseRef(l *lock.Base, asked string) string {
	name, _, _ := strings.Cut(l.Name, "@")
	switch {
	case l.Ref != "":
		return l.Ref
	case name == "oci" && strings.HasPrefix(asked, "oci:"):
		return asked
	}
	return name
}

func sorted(list []string) []string { return slices.Compact(slices.Sorted(slices.Values(list))) }

func words(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}

// tellBase says what a base is, where that is known from, and what moved since
// the lock was written; a move that --locked forbids is fault.No.
func (b *Builder) tellBase(base *images.Base, before *lock.Base, pinned bool) (moved []lock.BaseChange, err error) {
	for _, n := range base.Notes {
		b.note(StepBase, n)
	}
	if base.Ref == "scratch" && (before == nil || before.Name == base.Ref) {
		return nil, nil // there is nothing to tell of
	}
	file := filepath.Base(b.LockPath)
	text := base.Name()
	if base.Release != "" {
		text += " (" + base.Release + ")"
	}
	if n := len(base.Debs); n > 0 {
		text += fmt.Sprintf(", %s", counted(n, "package"))
	}
	if pinned {
		b.note(StepBase, text+": as "+file+" has it")
		return nil, nil
	}
	b.note(StepBase, text+": as it is now")
	now := b.lockBase(base)
	moved = lock.DiffBase(before, now)
	if b.Locked && before != nil && !before.Same(now) {
		e := fault.New(fault.No, "--locked: the base in %s would change", file).Try("leave --locked out")
		for _, c := range moved {
			e.Because("%s", c)
		}
		return nil, e
	}
	if before == nil {
		if b.Locked || b.Frozen {
			b.warn(StepBase, fmt.Sprintf("%s names no base, and none is recorded (--locked, --frozen): another day's may be another", file))
		}
		return nil, nil
	}
	b.tellMoved(moved)
	return moved, nil
}

// tellMoved says what changed in the base, in sum and line by line.
func (b *Builder) tellMoved(moved []lock.BaseChange) {
	count := map[lock.Kind]int{}
	for _, c := range moved {
		count[c.Kind]++
	}
	if len(moved) == 0 {
		b.note(StepBase, "the base is what it was")
		return
	}
	b.note(StepBase, fmt.Sprintf("in the base %s of another version, %d added, %d removed",
		counted(count[lock.Version]+count[lock.Hash], "package"), count[lock.Added], count[lock.Removed]))
	for _, c := range moved {
		b.note(StepBase, c.String())
	}
}

func counted(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// fetchBase brings files of a base that is being opened into the House.
func (b *Builder) fetchBase(ctx context.Context, list []wheelhouse.Artifact, open wheelhouse.OpenFunc) error {
	const little = 4 << 20 // bytes of which a word is not worth while
	var size int64
	for _, a := range list {
		size += a.Size
	}
	if size > little {
		return b.fill(ctx, StepBase, list, open, nil, nil)
	}
	if _, err := b.adoptQuietly(ctx, list); err != nil {
		return err
	}
	return b.house.Fill(ctx, list, wheelhouse.FillOptions{Open: open, Tries: b.tries()})
}

// Rebase finds out what the base is now and records that in the lock.
func (b *Builder) Rebase(ctx context.Context, l *Locked, r Registry) error {
	registry, err := r.options()
	if err != nil {
		return err
	}
	base := b.openBase(ctx, registry)
	if err := base.wait(); err != nil {
		return b.explained(ctx, err, nil)
	}
	l.BaseChanges = base.moved
	return b.record(l, base.base, nil)
}

// aptLines are the profile's own archives, a line each, without credentials.
func (b *Builder) aptLines() []string {
	var out []string
	for _, a := range b.Profile.Image.Apt {
		out = append(out, a.String())
	}
	return out
}
