package solver

import (
	"math"

	"wheelwright/solver/engine"
	"wheelwright/solver/pep440"
)

// A kept version comes before any other, and where pre-releases come only
// after stable releases each costs more than any sum of lags can.
const (
	costGivenUp    = 1 << 40
	costPrerelease = 1 << 51
)

// ladder is the releases of a distribution that the user requires, in rungs of
// one cost each, the best first. Under a BuildRule a rung needs METADATA of
// the releases above it, so rungs are found one by one.
type ladder struct {
	d       *dist
	allowed engine.Set // by the page and the user's own words
	ruled   bool
	rungs   []rung
	next    int // the candidate after those in rungs
	whole   bool

	// The walk from the newest release down: what supersedes those not yet walked.
	walked int // of rising, from its end
	lags   []int64
	usable engine.Set // of what was walked
	newest int        // the newest stable one of those; 0: none yet
	above  int64      // earliest upload of a stable release newer than the group being walked
	beside int64      // of one in the group
	group  pep440.Version
	now    int64
}

// rung is the candidates that cost no more than cost.
type rung struct {
	upto  engine.Set
	cost  int64
	first int // its best candidate
}

// ladders are those of what the user requires, in the user's order.
func (s *Solver) ladders() []*ladder {
	var all []*ladder
	by := map[*dist]*ladder{}
	for _, l := range s.links[[2]int{-1, 0}] {
		if b := by[l.to]; b != nil {
			b.allowed.Keep(l.admit)
			continue
		}
		_, ruled := s.rules[l.to.name]
		b := &ladder{d: l.to, allowed: l.admit.Clone(), ruled: ruled, above: math.MaxInt64, beside: math.MaxInt64}
		b.lags = make([]int64, len(l.to.releases)+1)
		b.usable = s.eng.Empty(l.to.pkg)
		by[l.to] = b
		all = append(all, b)
	}
	now := s.p.Until
	for _, b := range all {
		b.allowed.Remove(b.d.dead)
		for _, r := range s.narrow[b.d.name] {
			b.allowed.Keep(b.d.matching(s.eng, r.Specifiers, r.specs))
		}
		for i := range b.d.releases {
			if f := b.d.releases[i].file; f != nil && s.p.Until.IsZero() && f.Uploaded.After(now) {
				now = f.Uploaded
			}
		}
	}
	for _, b := range all {
		b.now = now.Unix()
	}
	return all
}

// walk goes down to release v; it returns the METADATA it needs first.
func (s *Solver) walk(l *ladder, v int) []Key {
	for l.allowed.Has(v) && !l.usable.Has(v) {
		w := l.d.rising[len(l.d.rising)-1-l.walked]
		r := &l.d.releases[w-1]
		if !l.allowed.Has(w) {
			l.walked++
			continue
		}
		if l.ruled {
			m := s.parsed(Key{l.d.name, r.file.Name})
			if m == nil {
				return []Key{{l.d.name, r.file.Name}}
			}
			if group, text := s.unfit(l.d, r, m); text != "" {
				if r.why.text == "" {
					s.reject(l.d, l.d.pkg, w, group, text)
				}
				l.allowed.Drop(w)
				continue
			}
		}
		if counted := s.counted(l.d, r.version); !counted.Equal(l.group) {
			l.above, l.beside, l.group = min(l.above, l.beside), math.MaxInt64, counted
		}
		if l.above != math.MaxInt64 {
			l.lags[w] = max(0, l.now-l.above)
		}
		if !r.version.IsPrerelease() {
			if !r.file.Uploaded.IsZero() {
				l.beside = min(l.beside, r.file.Uploaded.Unix())
			}
			if l.newest == 0 {
				l.newest = w
			}
		}
		l.usable.Put(w)
		l.walked++
	}
	return nil
}

// counted is what of a version of d counts where newer is compared: under a
// BuildRule the public version alone.
func (s *Solver) counted(d *dist, v pep440.Version) pep440.Version {
	if _, ruled := s.rules[d.name]; ruled {
		return v.Public()
	}
	return v
}

// rung finds rung k; false where there are fewer.
func (s *Solver) rung(l *ladder, k int) (ok bool, need []Key) {
	for len(l.rungs) <= k && !l.whole {
		r := rung{upto: s.eng.Empty(l.d.pkg)}
		if n := len(l.rungs); n > 0 {
			r.upto.Add(l.rungs[n-1].upto)
		}
		next := l.next
		for {
			v := l.allowed.First(next + 1)
			if v < 0 {
				l.whole = true
				break
			}
			if r.first > 0 && s.kept(l.d, r.first) {
				break
			}
			cost, need := s.cost(l, v)
			if need != nil {
				return false, need
			}
			if !l.allowed.Has(v) { // its METADATA rules it out
				continue
			}
			if r.first > 0 && cost > r.cost {
				break
			}
			if r.first == 0 {
				r.first, r.cost = v, cost
			}
			r.upto.Put(v)
			next = v
		}
		l.next = next
		if r.first > 0 {
			l.rungs = append(l.rungs, r)
		}
	}
	return k < len(l.rungs), nil
}

// kept says whether an existing lock has release v of d.
func (s *Solver) kept(d *dist, v int) bool {
	keep, ok := s.p.Keep[d.name]
	return ok && d.releases[v-1].version.Equal(keep)
}

// cost is what choosing release v costs, in seconds of lag and above.
func (s *Solver) cost(l *ladder, v int) (cost int64, need []Key) {
	r := &l.d.releases[v-1]
	if s.kept(l.d, v) {
		return 0, nil
	}
	if need := s.walk(l, v); need != nil {
		return 0, need
	}
	if _, kept := s.p.Keep[l.d.name]; kept {
		cost += costGivenUp
	}
	if s.p.Prerelease == PrereleaseIfNecessary && r.version.IsPrerelease() {
		cost += costPrerelease
	}
	return cost + l.lags[v], nil
}

// assumption is rung k as one; false where it narrows nothing: for the last
// rung of all, and one that was not found.
func (l *ladder) assumption(k int) (t engine.Term, ok bool) {
	if k >= len(l.rungs) || l.whole && k == len(l.rungs)-1 {
		return t, false
	}
	return engine.Term{Package: l.d.pkg, In: l.rungs[k].upto}, true
}
