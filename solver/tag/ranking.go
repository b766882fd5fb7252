package tag

// Ranking answers how well wheels fit one target. It is built once and may be
// shared between goroutines.
type Ranking struct {
	groups    map[pair]int   // rank of the pair with the best platform
	platforms map[string]int // added to it
	anys      map[string]int // rank of INTERPRETER-none-any
	size      int
}

// NewRanking makes the ranking of a target.
func NewRanking(t Target) *Ranking {
	r := &Ranking{groups: map[pair]int{}, platforms: map[string]int{}, anys: map[string]int{}}
	platforms := t.platforms()
	for i, p := range platforms {
		r.platforms[p] = i
	}
	for _, g := range t.groups() {
		r.groups[g] = r.size
		r.size += len(platforms)
	}
	for _, i := range t.anyInterpreters() {
		r.anys[i] = r.size
		r.size++
	}
	return r
}

// Len is the number of the target's tags; every rank is below it.
func (r *Ranking) Len() int { return r.size }

// Best is the rank of the wheel's best tag, its index in Target.Tags: lower is
// better. ok is false where the target takes none of the wheel's tags. It
// allocates nothing.
func (r *Ranking) Best(w Wheel) (rank int, ok bool) {
	rank = r.size
	platform, isAny := r.size, false
	for _, p := range w.Platforms {
		if p == "any" {
			isAny = true
		} else if i, found := r.platforms[p]; found {
			platform = min(platform, i)
		}
	}
	if platform == r.size && !isAny {
		return 0, false
	}
	for _, abi := range w.ABIs {
		for _, interpreter := range w.Interpreters {
			if platform < r.size {
				if base, found := r.groups[pair{interpreter, abi}]; found {
					rank = min(rank, base+platform)
				}
			}
			if isAny && abi == "none" {
				if n, found := r.anys[interpreter]; found {
					rank = min(rank, n)
				}
			}
		}
	}
	if rank == r.size {
		return 0, false
	}
	return rank, true
}
