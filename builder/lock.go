package builder

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"wheelwright/atomicfile"
	"wheelwright/fault"
	"wheelwright/solver"
	"wheelwright/solver/lock"
	"wheelwright/solver/pep440"
	"wheelwright/solver/pep508"
	"wheelwright/wheelhouse/index"
)

// Locked is the result of the lock step.
type Locked struct {
	Path        string // of the lock file
	Lock        lock.Lock
	Changes     []lock.Change     // against the lock that stood there; nil when there was none
	New         bool              // no lock stood there
	BaseChanges []lock.BaseChange // in what the image stands on, where that was found out anew
	Written     bool              // the file was written: its bytes changed
	Warnings    []string          // from the solver
	Solution    *solver.Solution  // nil when the lock was used frozen
}

// Lock resolves the profile and writes its lock file, unless Frozen.
func (b *Builder) Lock(ctx context.Context) (*Locked, error) {
	old, oldBytes, err := readLock(b.LockPath)
	if err != nil {
		return nil, err
	}
	if b.Frozen {
		if old == nil {
			return nil, fault.New(fault.No, "there is no lock at %s", b.LockPath).Because("--frozen, push and digest take the lock as it stands").Try("%s", b.again)
		}
		if err := b.checkFrozen(old); err != nil {
			return nil, err
		}
		return &Locked{Path: b.LockPath, Lock: *old}, nil
	}
	x, solution, err := b.solve(ctx, old)
	if err != nil {
		return nil, err
	}
	x.end()
	if err := b.completeHashes(ctx, solution); err != nil {
		return nil, err
	}
	l := lock.From(*solution, b.lockMeta())
	r := &Locked{Path: b.LockPath, Lock: l, New: old == nil, Warnings: solution.Warnings, Solution: solution}
	if old != nil {
		r.Changes = lock.Diff(*old, l)
		r.Lock.Base = b.keptBase(old)
		if old.Digest() == l.Digest() && old.Base.Same(r.Lock.Base) {
			r.Lock.Image = old.Image
		}
	}
	if b.Locked {
		if err := b.checkLocked(old, r); err != nil {
			return r, err
		}
		r.Lock = *old // an index in force may give its files other addresses
		return r, nil
	}
	if old != nil && !old.ExcludeNewer.Equal(b.until) {
		b.note(StepResolve, fmt.Sprintf("the lock that stood there was written %s", untilText(old.ExcludeNewer)))
	}
	r.Written, err = b.writeLock(r.Lock, oldBytes)
	return r, err
}

// solve finds the profile's answer, keeping what it can of an old lock, and
// tells how it went. The search can be asked for reasons until it is ended.
func (b *Builder) solve(ctx context.Context, old *lock.Lock) (*search, *solver.Solution, error) {
	if b.refusal != nil {
		return nil, nil, b.refusal
	}
	problem, err := b.problem(old)
	if err != nil {
		return nil, nil, err
	}
	began := Event{Step: StepResolve, Kind: Began, Unit: Items}
	if b.tellsIndexes {
		began.Text = b.settings.Won
	}
	b.report(began)
	x, err := newSearch(ctx, problem, b.client, b.Session, b.undated)
	if err != nil {
		return nil, nil, err
	}
	x.inPlace(b.Offline)
	x.given = func(n int64) { b.report(Event{Step: StepResolve, Kind: Progressed, Done: n, Unit: Items}) }
	out, err := x.drive(x.Step)
	if err == nil && out.State == solver.Failed {
		err = b.unsolved(ctx, x, out.Conflict)
	}
	if err != nil {
		x.end()
		return nil, nil, err
	}
	if b.tellsUnasked {
		for _, n := range b.client.general.Unasked() {
			b.note(StepResolve, n)
		}
	}
	for _, w := range out.Solution.Warnings {
		b.warn(StepResolve, w)
	}
	b.report(Event{Step: StepResolve, Kind: Ended, Text: fmt.Sprintf("%s for %s", distributions(len(out.Solution.Packages)), b.Profile.Name)})
	return x, out.Solution, nil
}

// problem is the profile's problem with what an existing lock keeps.
func (b *Builder) problem(old *lock.Lock) (solver.Problem, error) {
	p, err := b.Profile.Problem()
	if err != nil {
		return p, err
	}
	p.Keep = map[pep508.Name]pep440.Version{}
	if old != nil && !b.Upgrade {
		for _, pkg := range old.Packages {
			if v, err := pep440.Parse(pkg.Version); err == nil {
				p.Keep[pkg.Name] = v
			}
		}
	}
	for _, s := range b.UpgradePackages {
		name, err := pep508.ParseName(s)
		if err != nil {
			return p, fault.New(fault.Input, "--upgrade-package %q is no distribution name", s).Wrap(err)
		}
		if _, kept := p.Keep[name]; !kept && old != nil && !b.Upgrade {
			b.warn(StepResolve, fmt.Sprintf("--upgrade-package %s: %s holds no %s", s, filepath.Base(b.LockPath), name))
		}
		delete(p.Keep, name)
	}
	if !b.until.IsZero() {
		p.Until = b.until.Add(-1) // which still admits what was uploaded then
	}
	return p, nil
}

// lockMeta is what the lock says besides the solution.
func (b *Builder) lockMeta() lock.Meta {
	m := lock.Meta{
		Profile:       b.Profile.Name,
		ProfileDigest: b.Profile.Digest(),
		Target: lock.Target{
			Python:  b.Profile.Python,
			Machine: b.Profile.Platform.Machine,
			Glibc:   b.Profile.Platform.Glibc,
		},
		ExcludeNewer: b.until,
		Indexes:      map[string]string{},
		Dir:          filepath.Dir(b.LockPath),
	}
	for _, w := range b.Profile.Waive {
		m.Waivers = append(m.Waivers, lock.Waiver{Rule: w.Rule, Package: pep508.Name(w.Package), Reason: w.Reason})
	}
	for _, s := range b.settings.Sources {
		if s.Kind == index.Simple { // PEP 751 knows no other kind
			m.Indexes[s.Name] = s.URL
		}
	}
	return m
}

// readLock reads the lock file at path with its bytes; nil where there is none.
func readLock(path string) (*lock.Lock, []byte, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		e := fault.New(fault.Input, "lock %s", path)
		if isFolder(path) {
			return nil, nil, e.Because("it is a folder").Try("name the file: %s", filepath.Join(path, "pylock.NAME.toml"))
		}
		return nil, nil, e.Wrap(err).Try("make it readable, or name another")
	}
	l, err := lock.Parse(text)
	if err != nil {
		return nil, nil, fault.New(fault.KindOf(err), "lock %s", path).Wrap(err).
			Try("repair the file, or delete it and run wheelwright lock again")
	}
	return &l, text, nil
}

// noLock is the error for a lock that must stand and does not; again is the
// command that writes it.
func noLock(path, again string) error {
	return fault.New(fault.Input, "there is no lock at %s", path).Try("%s", again)
}

// writeLock writes l unless the file holds these bytes already.
func (b *Builder) writeLock(l lock.Lock, old []byte) (bool, error) {
	if err := l.Check(); err != nil {
		return false, fault.New(fault.KindOf(err), "lock %s", b.LockPath).Wrap(err)
	}
	text := l.Marshal()
	if old != nil && bytes.Equal(old, text) {
		return false, nil
	}
	switch err := atomicfile.Write(b.LockPath, text); {
	case errors.Is(err, fs.ErrNotExist):
		dir := filepath.Dir(b.LockPath)
		return false, fault.New(fault.Input, "lock %s: there is no folder %s", b.LockPath, dir).Try("mkdir -p %s", dir)
	case err != nil:
		return false, fault.New(fault.Input, "lock %s", b.LockPath).Wrap(err)
	}
	return true, nil
}
