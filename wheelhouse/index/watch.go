package index

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// watch ends a request whose body stands still.
type watch struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
	limit  time.Duration
}

var errStalled = errors.New("the server sent nothing")

func newWatch(ctx context.Context, limit time.Duration) (context.Context, *watch) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &watch{ctx: ctx, cancel: cancel, limit: limit}
	// Until the first read the transport's own timeouts hold.
	w.timer = time.AfterFunc(limit+headerTimeout+dialTimeout, func() {
		cancel(fmt.Errorf("%w for %s", errStalled, limit))
	})
	return ctx, w
}

func (w *watch) stop() {
	w.timer.Stop()
	w.cancel(nil)
}

// cause is why a read failed: the stall, where the watch ended it.
func (w *watch) cause(err error) error { return watchCause(w.ctx, err) }

func watchCause(ctx context.Context, err error) error {
	if c := context.Cause(ctx); errors.Is(c, errStalled) {
		return c
	}
	return err
}

func (w *watch) reader(r io.Reader) io.Reader {
	w.timer.Reset(w.limit)
	return readerFunc(func(p []byte) (int, error) {
		n, err := r.Read(p)
		if n > 0 {
			w.timer.Reset(w.limit)
		}
		return n, err
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
