package images

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"
)

// Of those who wait the heaviest goes first, and one who gives up costs no slot.
func TestSlots(t *testing.T) {
	s := slots{free: 1}
	var wait sync.WaitGroup
	hold, begun := make(chan struct{}), make(chan struct{})
	wait.Go(func() { s.run(t.Context(), 0, func() error { close(begun); <-hold; return nil }) })
	<-begun
	var order []int64
	for _, weight := range []int64{3, 9, 1, 5} {
		wait.Go(func() {
			if err := s.run(t.Context(), weight, func() error { order = append(order, weight); return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	gone, cancel := context.WithCancel(t.Context())
	wait.Go(func() {
		if err := s.run(gone, 99, func() error { return errors.New("it ran") }); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	until := func(n int) {
		for {
			s.mu.Lock()
			now := len(s.waiting)
			s.mu.Unlock()
			if now == n {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}
	until(5)
	cancel()
	until(4)
	close(hold)
	wait.Wait()
	if want := []int64{9, 5, 3, 1}; !slices.Equal(order, want) {
		t.Errorf("%v, want %v", order, want)
	}
	if s.free != 1 || len(s.waiting) != 0 {
		t.Errorf("at the end %d free, %d wait", s.free, len(s.waiting))
	}
}
