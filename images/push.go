package images

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/sync/errgroup"

	"wheelwright/fault"
)

// defaultJobs is how many layers are sent at a time; maxLooks how many are
// asked for; maxReads how often a tag that was put is read until it is right.
const (
	defaultJobs = 4
	maxLooks    = 8
	maxReads    = 3
)

// registryWriter pushes to a repository: what is there already is neither
// opened nor sent.
type registryWriter struct {
	o     WriteOptions
	name  string // of the destination, in errors
	s     *session
	looks chan struct{}
	jobs  chan struct{}
	meter meter

	chunk    atomic.Int64 // bytes of a PATCH
	streamed atomic.Bool  // the registry takes no ranges: one PATCH for a layer

	mu      sync.Mutex
	flights map[v1.Hash]*flight
}

// flight is the one bringing of a blob, however many ask for it.
type flight struct {
	done chan struct{}
	err  error
}

// newRegistryWriter logs in, so that a push that is not allowed fails before
// anything is made for it.
func newRegistryWriter(ctx context.Context, d Destination, o WriteOptions) (*registryWriter, error) {
	s, err := newSession(ctx, d.ref.Context(), transport.PushScope, o.Registry)
	if err != nil {
		return nil, err
	}
	jobs := o.Jobs
	if jobs <= 0 {
		jobs = defaultJobs
	}
	w := &registryWriter{
		o: o, name: d.Name(), s: s, looks: make(chan struct{}, maxLooks), jobs: make(chan struct{}, jobs),
		meter: meter{tell: o.Progress}, flights: map[v1.Hash]*flight{},
	}
	w.chunk.Store(s.pace.chunk)
	if o.Remember != "" {
		seen.load(o.Remember, s.host())
	}
	err = s.retry(ctx, func() error { _, err := s.client(ctx, ""); return err })
	return w, s.fault("push to "+w.name, err)
}

func (w *registryWriter) layer(ctx context.Context, b *blob) error {
	return w.bring(ctx, part{b.digest, b.size, func(ctx context.Context, offset int64) (io.ReadCloser, error) {
		return b.from.Open(ctx, offset)
	}}, "layer")
}

// close gives up nothing on the registry's side: what was begun there ends by
// its own clock.
func (w *registryWriter) close() error { return nil }

// bring sees to it that the repository holds the blob; once, for all who ask.
func (w *registryWriter) bring(ctx context.Context, p part, kind string) error {
	for {
		w.mu.Lock()
		f, joined := w.flights[p.digest]
		if !joined {
			f = &flight{done: make(chan struct{})}
			w.flights[p.digest] = f
		}
		w.mu.Unlock()
		if !joined {
			f.err = w.s.fault("push of "+kind+" "+p.String()+" to "+w.name, w.carry(ctx, p))
			if f.err != nil { // who asks later tries again
				w.mu.Lock()
				delete(w.flights, p.digest)
				w.mu.Unlock()
			}
			close(f.done)
			return f.err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-f.done:
		}
		if f.err == nil || !errors.Is(f.err, context.Canceled) {
			return f.err
		}
	}
}

// carry looks whether the blob is there, or in another repository, and sends
// it if not.
func (w *registryWriter) carry(ctx context.Context, p part) error {
	var u *upload
	err := limit(ctx, w.looks, func() error {
		return w.s.retry(ctx, func() error {
			there, err := w.exists(ctx, p)
			if err != nil || there {
				return err
			}
			if u, there = w.mount(ctx, p); there {
				u.src.close()
				u = nil
			}
			return ctx.Err()
		})
	})
	if err != nil || u == nil {
		return err
	}
	bar := w.meter.add(p.size)
	u.moved = bar.at
	if err := limit(ctx, w.jobs, func() error { return u.run(ctx) }); err != nil {
		return err
	}
	bar.at(p.size)
	return nil
}

// limit does f when one of as many slots as c has is free.
func limit(ctx context.Context, c chan struct{}, f func() error) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case c <- struct{}{}:
	}
	defer func() { <-c }()
	return f()
}

// exists asks whether the repository holds the blob.
func (w *registryWriter) exists(ctx context.Context, p part) (bool, error) {
	res, _, err := w.s.ask(ctx, query{method: http.MethodHead, url: w.s.address("blobs/" + p.digest.String())}, http.StatusOK)
	var answer *transport.Error
	if errors.As(err, &answer) {
		elsewhere := answer.Request != nil && answer.Request.URL.Host != w.s.host()
		switch code := answer.StatusCode; {
		case code == http.StatusNotFound, code == http.StatusMethodNotAllowed, elsewhere && !passingStatus(code):
			return false, nil // a store behind a redirect may not allow HEAD
		}
	}
	if err != nil {
		return false, err
	}
	if res.ContentLength > 0 && res.ContentLength != p.size {
		return false, fault.New(fault.Integrity, "registry %s holds %s with %d bytes", w.s.host(), p.digest, res.ContentLength).
			Because("bytes with that digest are %d", p.size).Try("ask who runs the registry")
	}
	return true, w.agrees(res, p.digest.String())
}

// mount tries to get the blob from another repository of the registry. If
// that is not done, the upload begins, with what the registry said to it.
func (w *registryWriter) mount(ctx context.Context, p part) (u *upload, mounted bool) {
	u = &upload{w: w, src: newSource(ctx, p)}
	host, to := w.s.host(), w.s.repo.RepositoryStr()
	for _, from := range seen.of(host, to, p.digest) {
		where := w.s.address("blobs/uploads/")
		where.RawQuery = url.Values{"mount": {p.digest.String()}, "from": {from}}.Encode()
		res, _, err := w.s.ask(ctx, query{method: http.MethodPost, url: where, from: from}, http.StatusCreated, http.StatusAccepted)
		if err == nil && res.StatusCode == http.StatusCreated && w.agrees(res, p.digest.String()) == nil {
			if there, err := w.exists(ctx, p); err == nil && there { // some say so and have done nothing
				return u, true
			}
		}
		if ctx.Err() != nil {
			return u, false
		}
		seen.drop(host, from, p.digest)
		if err == nil && res.StatusCode == http.StatusAccepted && u.begun(res) == nil {
			return u, false
		}
	}
	return u, false
}

// agrees compares the digest that an answer names, if it names one.
func (w *registryWriter) agrees(res *http.Response, digest string) error {
	got := res.Header.Get("Docker-Content-Digest")
	if got == "" || got == digest {
		return nil
	}
	return fault.New(fault.Integrity, "registry %s says %q of what is %s", w.s.host(), w.s.scrub(got), digest).
		Try("ask who runs the registry; a proxy on the way may answer in its place")
}

// finish brings what is not there yet, then the manifest, then the tags.
func (w *registryWriter) finish(ctx context.Context, i *Image) error {
	config := configPart(i)
	group, inner := errgroup.WithContext(ctx)
	held, met := []v1.Hash{}, map[v1.Hash]bool{}
	for _, b := range i.core.blobs {
		if !met[b.digest] {
			met[b.digest] = true
			held = append(held, b.digest)
			group.Go(func() error { return w.layer(inner, b) })
		}
	}
	group.Go(func() error { return w.bring(inner, config, "configuration") })
	if err := group.Wait(); err != nil {
		return err
	}
	seen.add(w.s.host(), w.s.repo.RepositoryStr(), held...)
	if err := w.s.fault("push to "+w.name, w.publish(ctx, i)); err != nil {
		return err
	}
	if w.o.Remember != "" { // a hint: that it cannot be kept is no failure
		_ = seen.save(w.o.Remember, w.s.host(), w.s.repo.RepositoryStr())
	}
	return nil
}

func configPart(i *Image) part {
	raw := i.core.config
	return part{sumOf(raw), int64(len(raw)), func(_ context.Context, offset int64) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(raw[offset:])), nil
	}}
}

// publish puts the manifest by its digest and under each tag that does not name
// it yet, and looks at each tag afterwards. The first tag comes last: who
// follows it finds the image's other names.
func (w *registryWriter) publish(ctx context.Context, i *Image) error {
	var missing []string
	for _, tag := range slices.Backward(w.o.Tags) {
		got, err := w.named(ctx, tag)
		if err != nil {
			return err
		}
		if got != i.Digest() {
			missing = append(missing, tag)
		}
	}
	if len(missing) == len(w.o.Tags) {
		missing = append([]string{i.Digest()}, missing...)
	}
	for _, ref := range missing {
		if err := w.put(ctx, ref, i); err != nil {
			return err
		}
		got, err := w.named(ctx, ref)
		for n := 1; err == nil && got != i.Digest() && n < maxReads; n++ { // a replica may lag
			if err = w.s.wait(ctx, n); err == nil {
				got, err = w.named(ctx, ref)
			}
		}
		if err != nil {
			return err
		}
		if got != i.Digest() {
			return fault.New(fault.Integrity, "registry %s: %s:%s is %q after the push, not %s", w.s.host(), w.name, ref, w.s.scrub(got), i.Digest()).
				Try("another push may have moved the tag: run again")
		}
	}
	return nil
}

// put sends the manifest under a tag or its digest.
func (w *registryWriter) put(ctx context.Context, ref string, i *Image) error {
	return w.s.retry(ctx, func() error {
		res, _, err := w.s.ask(ctx, query{
			method: http.MethodPut, url: w.s.address("manifests/" + ref), media: string(types.OCIManifestSchema1), body: i.core.manifest,
		}, http.StatusCreated, http.StatusOK, http.StatusAccepted)
		var answer *transport.Error
		if errors.As(err, &answer) && (mentions(answer, transport.ManifestBlobUnknownErrorCode) || mentions(answer, transport.BlobUnknownErrorCode)) {
			return fault.New(fault.Integrity, "registry %s lacks a layer that it said to have", w.s.host()).
				Because("%s", w.s.scrub(answer.Errors[0].Message)).Try("run again")
		}
		if err != nil {
			return err
		}
		return w.agrees(res, i.Digest())
	})
}

// named is the digest that a tag or digest names now; "" for none.
func (w *registryWriter) named(ctx context.Context, ref string) (digest string, err error) {
	err = w.s.retry(ctx, func() error {
		q := query{method: http.MethodHead, url: w.s.address("manifests/" + ref), accept: accepted}
		res, _, err := w.s.ask(ctx, q, http.StatusOK, http.StatusNotFound)
		if err != nil {
			return err
		}
		if digest = res.Header.Get("Docker-Content-Digest"); digest != "" || res.StatusCode == http.StatusNotFound {
			return nil
		}
		q.method = http.MethodGet
		_, raw, err := w.s.ask(ctx, q, http.StatusOK)
		if err == nil {
			digest = sumOf(raw).String()
		}
		return err
	})
	return digest, err
}
