package images

import (
	"context"
	"slices"
	"sync"
)

// slots let so many layers be made at a time; of those that wait, the heaviest
// goes first, so that none is left to be made alone at the end.
type slots struct {
	mu      sync.Mutex
	free    int
	waiting []*waiter
}

type waiter struct {
	weight int64
	turn   chan struct{} // closed: the slot is its own
}

// run waits for a slot and does do.
func (s *slots) run(ctx context.Context, weight int64, do func() error) error {
	w := &waiter{weight, make(chan struct{})}
	s.mu.Lock()
	s.waiting = append(s.waiting, w)
	s.next()
	s.mu.Unlock()
	select {
	case <-w.turn:
		defer s.leave()
		return do()
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.waiting, w); i >= 0 {
		s.waiting = slices.Delete(s.waiting, i, i+1)
	} else { // its turn came at the same moment
		s.free++
		s.next()
	}
	return context.Cause(ctx)
}

func (s *slots) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free++
	s.next()
}

// next gives free slots to the heaviest who wait; s.mu is held.
func (s *slots) next() {
	for s.free > 0 && len(s.waiting) > 0 {
		best := 0
		for i, w := range s.waiting {
			if w.weight > s.waiting[best].weight {
				best = i
			}
		}
		close(s.waiting[best].turn)
		s.waiting = slices.Delete(s.waiting, best, best+1)
		s.free--
	}
}
