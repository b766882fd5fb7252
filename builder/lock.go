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
)

// Locked is the result of the lock step.
type Locked struct {
	Path     string // of the lock file
	Lock     lock.Lock
	Changes  []lock.Change    // against the lock that stood there; nil when there was none
	New      bool             // no lock stood there
	Written  bool             // the file was written: its bytes changed
	Warnings []string         // from the solver
	Solution *solver.Solution // nil when the lock was used frozen
}

// Lock resolves the profile and writes its lock file, unless Frozen.
func (b *Builder) Lock(ctx context.Context) (*Locked, error) {
	old, oldBytes, err := readLock(b.LockPath)
	if err != nil {
		return nil, err
	}
	if b.Frozen {
		if old == nil {
			return nil, fault.New(fault.No, "--frozen: there is no lock at %s", b.LockPath).Try("%s", b.again)
		}
		if err := b.checkFrozen(old); err != nil {
			return nil, err
		}
		return &Locked{Path: b.LockPath, Lock: *old}, nil
	}
	if refusal := b.Profile.Refusal(); refusal != nil {
		return nil, refusal
	}
	problem, err := b.problem(old)
	if err != nil {
		return nil, err
	}
	b.report(Event{Step: StepResolve, Kind: Began, Text: b.settings.Won, Unit: Items})
	s, err := solver.New(problem)
	if err != nil {
		return nil, err
	}
	solution, err := b.resolve(ctx, s, problem.Requires, b.client)
	if err != nil {
		return nil, err
	}
	if err := b.completeHashes(ctx, solution); err != nil {
		return nil, err
	}
	for _, n := range b.client.Unasked() {
		b.note(StepResolve, n)
	}
	for _, w := range solution.Warnings {
		b.warn(StepResolve, w)
	}
	b.report(Event{Step: StepResolve, Kind: Ended, Text: fmt.Sprintf("%s for %s", distributions(len(solution.Packages)), b.Profile.Name)})

	l := lock.From(*solution, b.lockMeta())
	r := &Locked{Path: b.LockPath, Lock: l, New: old == nil, Warnings: solution.Warnings, Solution: solution}
	if old != nil {
		r.Changes = lock.Diff(*old, l)
		if old.Digest() == l.Digest() {
			r.Lock.Image = old.Image
		}
	}
	if b.Locked {
		return r, b.checkLocked(old, r)
	}
	r.Written, err = b.writeLock(r.Lock, oldBytes)
	return r, err
}

// distributions is n of them in words.
func distributions(n int) string {
	if n == 1 {
		return "1 distribution"
	}
	return fmt.Sprintf("%d distributions", n)
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
		Indexes: map[string]string{},
		Dir:     filepath.Dir(b.LockPath),
	}
	for _, s := range b.settings.Sources {
		m.Indexes[s.Name] = s.URL
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
		return nil, nil, fault.New(fault.Input, "lock %s", path).Wrap(err)
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
