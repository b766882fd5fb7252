package builder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"wheelwright/fault"
	"wheelwright/images"
	"wheelwright/wheelhouse"
)

// adopt takes from the wheelhouse folder what the House lacks, with a word
// about it.
func (b *Builder) adopt(ctx context.Context, step Step, artifacts []wheelhouse.Artifact) error {
	n, err := b.adoptQuietly(ctx, artifacts)
	if n > 0 {
		b.note(step, fmt.Sprintf("%s taken from %s", counted(n, "file"), b.From))
	}
	return err
}

func (b *Builder) adoptQuietly(ctx context.Context, artifacts []wheelhouse.Artifact) (int, error) {
	if b.From == "" {
		return 0, nil
	}
	return b.house.Adopt(ctx, b.From, artifacts)
}

// offlineDebs refuses to go on offline without the base's packages: a word for
// all of them, and not one for each address of each.
func (b *Builder) offlineDebs(artifacts []wheelhouse.Artifact) error {
	var gone []wheelhouse.Artifact
	for _, a := range artifacts {
		if a.Kind == wheelhouse.Deb && !b.house.Has(a.SHA256) {
			gone = append(gone, a)
		}
	}
	if !b.Offline || len(gone) == 0 {
		return nil
	}
	e := fault.New(fault.Temporary, "%s of the base not in the cache, %s first", counted(len(gone), "package"), gone[0].Name)
	if b.From != "" {
		e.Because("nor in %s", b.From)
	}
	return e.Because("offline, nothing is fetched").Try("run once without --offline, or name a wheelhouse folder that has them")
}

// link lays files out in dir by file name; an empty dir is none.
func (b *Builder) link(ctx context.Context, dir string, artifacts []wheelhouse.Artifact) error {
	if dir == "" {
		return nil
	}
	linked, err := b.house.Link(ctx, dir, artifacts)
	if err != nil {
		return err
	}
	var parts []string
	for _, k := range []wheelhouse.Kind{wheelhouse.Wheel, wheelhouse.Deb, wheelhouse.Blob} {
		n := 0
		for _, a := range artifacts {
			if a.Kind == k {
				n++
			}
		}
		if n > 0 || k == wheelhouse.Wheel {
			parts = append(parts, counted(n, string(k)))
		}
	}
	text := strings.Join(parts, ", ") + " in " + dir
	if linked.Copied > 0 {
		text += fmt.Sprintf(", %d of them copied: the cache is on another file system", linked.Copied)
	}
	b.note(StepWheelhouse, text)
	if len(linked.Stale) > 0 {
		b.note(StepWheelhouse, fmt.Sprintf("%s also holds %s that the lock does not name, %s first", dir, counted(len(linked.Stale), "file"), linked.Stale[0]))
	}
	return nil
}

// Filled is the result of Fill.
type Filled struct {
	Locked    *Locked
	Dir       string
	Artifacts []wheelhouse.Artifact
}

// FillOptions say what a wheelhouse folder is to hold.
type FillOptions struct {
	Dir      string
	NoBase   bool     // wheels alone
	Registry Registry // how registries are reached, for the base
}

// Fill resolves the profile, or keeps its lock, and lays out its wheels and the
// files of its base in a folder. The base is recorded in the lock.
func (b *Builder) Fill(ctx context.Context, o FillOptions) (*Filled, error) {
	registry, err := o.Registry.options()
	if err != nil {
		return nil, err
	}
	base := b.openBase(ctx, registry) // before the lock is written anew
	l, err := b.Lock(ctx)
	if err != nil {
		return nil, b.explained(ctx, err, nil)
	}
	r := &Filled{Locked: l, Dir: o.Dir}
	if r.Artifacts, err = b.wheels(ctx, l.Lock.Files(), l.Lock); err != nil {
		return r, err
	}
	if err := b.fill(ctx, StepWheelhouse, r.Artifacts, b.openWheel, b.checkWheels(l.Solution), nil); err != nil {
		return r, b.explained(ctx, err, r.Artifacts)
	}
	if !o.NoBase && l.Lock.Base == nil && (b.Locked || b.Frozen) {
		b.warn(StepBase, filepath.Base(b.LockPath)+" names no base: the folder holds wheels alone (--locked, --frozen)")
		o.NoBase = true
	}
	if !o.NoBase {
		of, err := b.bringBase(ctx, l, base)
		if r.Artifacts = append(r.Artifacts, of...); err != nil {
			return r, b.explained(ctx, err, of)
		}
	}
	return r, b.explained(ctx, b.link(ctx, o.Dir, r.Artifacts), r.Artifacts)
}

// bringBase brings the files of the base into the House and records in the lock
// which they are.
func (b *Builder) bringBase(ctx context.Context, l *Locked, base *opening) ([]wheelhouse.Artifact, error) {
	if err := base.wait(); err != nil {
		return nil, err
	}
	l.BaseChanges = base.moved
	of := base.base.Artifacts()
	if len(of) > 0 {
		if err := b.fillBase(ctx, base.base, of, nil); err != nil {
			return of, err
		}
	}
	return of, b.record(l, base.base, nil)
}

// fillBase brings files of a base into the House.
func (b *Builder) fillBase(ctx context.Context, base *images.Base, of []wheelhouse.Artifact, done func(sha256 string, fetched bool)) error {
	return b.fill(ctx, StepBase, of, b.opener(base.Open, base.Pinned), nil, done)
}

// opener opens files of a base. Of a locked one that is gone from everywhere, or
// stays away, it says what is left to do.
func (b *Builder) opener(open wheelhouse.OpenFunc, pinned bool) wheelhouse.OpenFunc {
	if !pinned || b.Offline {
		return open
	}
	left := "name a wheelhouse folder that has it, or take the base as it is now: " + b.again + " --upgrade-base"
	return func(ctx context.Context, a wheelhouse.Artifact, source string, offset int64) (io.ReadCloser, int64, int64, error) {
		body, start, total, err := open(ctx, a, source, offset)
		if e, ok := errors.AsType[*fault.Error](err); ok {
			told := *e
			switch told.Kind {
			case fault.Input:
				told.Next = left
			case fault.Temporary:
				told.Next = "run again; if it stays away, " + left
			}
			err = &told
		}
		return body, start, total, err
	}
}

// Verify compares the files of a folder with the lock that stands at LockPath.
func (b *Builder) Verify(ctx context.Context, o FillOptions) (VerifyReport, error) {
	l, _, err := readLock(b.LockPath)
	if err != nil {
		return VerifyReport{}, err
	}
	if l == nil {
		return VerifyReport{}, noLock(b.LockPath, b.again)
	}
	var list []wheelhouse.Artifact
	for _, f := range l.Files() {
		list = append(list, wheelhouse.Artifact{Kind: wheelhouse.Wheel, Name: f.Name, SHA256: f.SHA256, Size: f.Size})
	}
	if !o.NoBase {
		list = append(list, baseArtifacts(l.Base)...)
	}
	report, err := wheelhouse.Verify(ctx, o.Dir, list)
	return VerifyReport{b.Profile.Name, report}, err
}
