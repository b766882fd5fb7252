package builder

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"wheelwright/fault"
	"wheelwright/solver/lock"
)

// checkLocked fails where the lock in force is not the one that stands.
func (b *Builder) checkLocked(old *lock.Lock, r *Locked) error {
	if old == nil {
		return fault.New(fault.No, "--locked: there is no lock at %s", b.LockPath).Try("%s", b.again)
	}
	if old.Digest() == r.Lock.Digest() {
		return b.checkBase("--locked", old)
	}
	e := fault.New(fault.No, "--locked: %s would change", b.LockPath).Try("%s", b.again)
	for _, c := range r.Changes {
		e.Because("%s", c)
	}
	switch now := r.Lock; {
	case len(r.Changes) > 0:
	case old.Profile != now.Profile:
		e.Because("it was written for profile %q, not %s", old.Profile, now.Profile)
	case old.Target != now.Target:
		e.Because("it was written for %s, not %s", targetText(old.Target), targetText(now.Target))
	case !old.ExcludeNewer.Equal(now.ExcludeNewer):
		e.Because("it was written %s, not %s", untilText(old.ExcludeNewer), untilText(now.ExcludeNewer))
	case old.ProfileDigest != now.ProfileDigest:
		e.Because("the profile was edited since; the files stay the same")
	default:
		e.Because("what the distributions require of each other changed; the files stay the same")
	}
	return e
}

// checkBase refuses a lock whose base is for something else than the profile
// asks for: what is built would record another.
func (b *Builder) checkBase(flag string, l *lock.Lock) error {
	_, why := b.baseOf(l)
	if why == "" || b.UpgradeBase {
		return nil
	}
	return fault.New(fault.No, "%s: the base in %s is not the one that the profile asks for", flag, filepath.Base(b.LockPath)).
		Because("%s", why).Try("%s --upgrade-base", b.again)
}

// checkFrozen refuses a lock whose wheels cannot run in the profile's image,
// and tells of one that another profile wrote. A lock of another tool says
// neither.
func (b *Builder) checkFrozen(old *lock.Lock) error {
	want, have := b.lockMeta().Target, old.Target
	short := b.Profile.PythonShort()
	if have.Python != "" && have.Python != short && !strings.HasPrefix(have.Python, short+".") || have.Machine != "" && have.Machine != want.Machine {
		return fault.New(fault.No, "--frozen: %s was written for %s, and %s is asked for", b.LockPath, targetText(have), targetText(want)).
			Try("%s", b.again)
	}
	if old.Profile != "" && old.Profile != b.Profile.Name {
		b.warn(StepResolve, fmt.Sprintf("%s was written for profile %s, not %s", filepath.Base(b.LockPath), old.Profile, b.Profile.Name))
	}
	return nil
}

func targetText(t lock.Target) string {
	return fmt.Sprintf("Python %s on %s glibc %s", t.Python, t.Machine, t.Glibc)
}

// untilText is how --exclude-newer was given.
func untilText(t time.Time) string {
	if t.IsZero() {
		return "without --exclude-newer"
	}
	return "with --exclude-newer " + t.Format(time.RFC3339Nano)
}
