package index

import (
	"context"
	"sync"
)

// flight does a piece of work once for each key and remembers the answer;
// errors are not remembered. Who waits on another's work that fails because
// the other was cancelled does it himself.
type flight[K comparable, V any] struct {
	mu sync.Mutex
	m  map[K]*job[V]
}

type job[V any] struct {
	done  chan struct{}
	value V
	err   error
}

func (f *flight[K, V]) do(ctx context.Context, k K, work func() (V, error)) (V, error) {
	for {
		f.mu.Lock()
		if f.m == nil {
			f.m = map[K]*job[V]{}
		}
		j, running := f.m[k]
		if !running {
			j = &job[V]{done: make(chan struct{})}
			f.m[k] = j
			f.mu.Unlock()
			f.run(k, j, work)
			return j.value, j.err
		}
		f.mu.Unlock()
		select {
		case <-ctx.Done():
			var zero V
			return zero, ctx.Err()
		case <-j.done:
		}
		if j.err == nil || !cancelled(j.err) || ctx.Err() != nil {
			return j.value, j.err
		}
	}
}

func (f *flight[K, V]) run(k K, j *job[V], work func() (V, error)) {
	defer func() {
		if j.err != nil {
			f.forget(k)
		}
		close(j.done)
	}()
	j.err = errPanicked
	j.value, j.err = work()
}

// forget drops an answer.
func (f *flight[K, V]) forget(k K) {
	f.mu.Lock()
	delete(f.m, k)
	f.mu.Unlock()
}
