package images

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"wheelwright/fault"
)

// part is what goes to a registry as one blob: a layer or the configuration.
type part struct {
	digest v1.Hash
	size   int64
	open   func(ctx context.Context, offset int64) (io.ReadCloser, error)
}

func (p part) String() string { return p.digest.String() }

// source reads a part once from some offset on, over several requests.
type source struct {
	part
	ctx  context.Context
	stop context.CancelFunc
	r    io.ReadCloser // nil: to be opened
	at   int64         // where r stands
}

func newSource(ctx context.Context, p part) *source {
	ctx, stop := context.WithCancel(ctx)
	return &source{part: p, ctx: ctx, stop: stop}
}

// seek makes the next Read begin at offset.
func (s *source) seek(offset int64) error {
	if s.r != nil && s.at == offset {
		return nil
	}
	s.reset()
	r, err := s.open(s.ctx, offset)
	if err != nil {
		return err
	}
	s.r, s.at = r, offset
	return nil
}

// Read gives fault.Integrity where the part ends before its size.
func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.at += int64(n)
	if err == io.EOF && s.at < s.size {
		err = fault.New(fault.Integrity, "layer %s ends after %d bytes, it has %d", s.digest, s.at, s.size)
	}
	return n, err
}

// end reads what follows the last byte: nothing, or the reader's word that the
// bytes had not their digest.
func (s *source) end() error {
	if s.r == nil || s.at != s.size {
		return nil
	}
	n, err := io.ReadFull(s.r, make([]byte, 1))
	switch {
	case n > 0:
		return fault.New(fault.Integrity, "layer %s goes on after its %d bytes", s.digest, s.size)
	case err != io.EOF:
		return err
	}
	return nil
}

func (s *source) reset() {
	if s.r != nil {
		s.r.Close()
		s.r = nil
	}
}

// close ends a Read that still goes on, too.
func (s *source) close() {
	s.stop()
	s.reset()
}

// chunkBody is the body of one PATCH. The transport may read it while its
// answer is already here, so each is for one request and has a lock.
type chunkBody struct {
	moved  func(at int64) // told where the source stands; may be nil
	silent *time.Timer    // ends the request; runs while the network has the bytes, not while the source is read
	stall  time.Duration
	commit time.Duration

	mu     sync.Mutex
	src    *source
	left   int64
	sent   bool // a request took it
	closed bool
	err    error // of the source
}

// start says whether this is the first request with the body.
func (b *chunkBody) start() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	first := !b.sent
	b.sent = true
	return first
}

func (b *chunkBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return 0, fmt.Errorf("read after close: %w", errStale)
	case b.err != nil:
		return 0, b.err
	case b.left == 0:
		b.silent.Reset(b.commit)
		return 0, io.EOF
	}
	b.silent.Stop()
	n, err := b.src.Read(p[:min(int64(len(p)), b.left)])
	b.silent.Reset(b.stall)
	b.left -= int64(n)
	if b.moved != nil {
		b.moved(b.src.at)
	}
	if err != nil && (err != io.EOF || b.left > 0) {
		b.err = err
		return n, err
	}
	return n, nil
}

// Close gives the source back: nothing of it is read from now on.
func (b *chunkBody) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	return nil
}

// rest is what was not read and how reading failed, once the body is closed.
func (b *chunkBody) rest() (left int64, err error) {
	b.Close()
	return b.left, b.err
}
