package images

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"wheelwright/fault"
)

// upload sends one part: POST begins it, each PATCH brings a piece, PUT ends
// it (OCI distribution-spec, "pushing a blob in chunks"). After a failure the
// registry is asked how much it has.
type upload struct {
	w     *registryWriter
	src   *source
	where *url.URL // of the next request; nil: not begun
	has   int64    // bytes that the registry holds
	sent  int64    // bytes sent at most since POST
	doubt bool     // has is to be asked for
	asked bool     // it was, since POST
	chunk int64    // bytes of a PATCH
	wrong int      // times that the registry found another digest
	moved func(at int64)
}

var (
	errGone   = errors.New("the upload is gone")
	errLost   = fmt.Errorf("%w: so the registry says after a failure", errGone) // which was counted already
	errRanges = errors.New("the registry takes no pieces")
	errMoved  = errors.New("the upload goes on elsewhere")
)

// sourceError is a failure to read the part: not the registry's doing.
type sourceError struct{ error }

func (e sourceError) Unwrap() error { return e.error }

// fault is what the part's reader said, in three parts: no registry is to be
// asked about a file that cannot be read here.
func (e sourceError) fault(p part) error {
	var known *fault.Error
	if errors.As(e.error, &known) || errors.Is(e.error, context.Canceled) {
		return e.error
	}
	return fault.New(fault.Input, "layer %s cannot be read here", p).Wrap(e.error).Try("run again: what the cache lacks is fetched anew")
}

// run sends the part whole, trying again where that may help.
func (u *upload) run(ctx context.Context) error {
	defer u.src.close()
	s := u.w.s
	for failures, far := 0, int64(0); ; {
		err := u.advance(ctx)
		if ctx.Err() != nil && err != nil {
			return context.Cause(ctx)
		}
		var own sourceError
		switch {
		case err == nil:
			return nil
		case errors.As(err, &own):
			return own.fault(u.src.part)
		case errors.Is(err, errRanges):
			u.w.streamed.Store(true)
			u.anew()
			continue
		case errors.Is(err, errMoved):
		case errors.Is(err, errStale): // the token is a new one now, or the chunk a smaller one
			u.doubt = true
		case errors.Is(err, errGone):
			if there, err := u.w.exists(ctx, u.src.part); err == nil && there {
				return nil // the answer to PUT was lost
			}
			u.anew()
			if errors.Is(err, errLost) {
				continue
			}
		case s.passing(err):
			u.doubt = u.where != nil
		default:
			return err
		}
		if u.has >= far+s.pace.fruit || u.has == u.src.size && u.has > far {
			failures, far = 0, u.has
		}
		if failures++; failures >= s.pace.tries {
			return err
		}
		if !errors.Is(err, errStale) && !errors.Is(err, errMoved) {
			if err := s.wait(ctx, failures); err != nil {
				return err
			}
		}
	}
}

// anew forgets the upload that was begun.
func (u *upload) anew() {
	u.where, u.has, u.sent, u.doubt, u.asked = nil, 0, 0, false, false
	u.moved(0)
}

// advance goes on from where the upload stands to its end.
func (u *upload) advance(ctx context.Context) error {
	if u.where == nil {
		if err := u.begin(ctx); err != nil {
			return err
		}
	}
	if u.doubt {
		if err := u.status(ctx); err != nil {
			return err
		}
	}
	for u.has < u.src.size {
		if err := u.piece(ctx); err != nil {
			return err
		}
	}
	if err := u.src.end(); err != nil {
		return sourceError{err}
	}
	return u.commit(ctx)
}

// begin opens the upload.
func (u *upload) begin(ctx context.Context) error {
	q := query{method: http.MethodPost, url: u.w.s.address("blobs/uploads/")}
	res, _, err := u.w.s.ask(ctx, q, http.StatusAccepted)
	if err != nil {
		return err
	}
	return u.begun(res)
}

// begun takes the answer to the POST.
func (u *upload) begun(res *http.Response) (err error) {
	u.chunk = u.w.chunk.Load()
	if least, err := strconv.ParseInt(res.Header.Get("OCI-Chunk-Min-Length"), 10, 64); err == nil {
		u.chunk = max(u.chunk, least)
	}
	u.where, err = u.w.s.follow(res)
	return err
}

// status asks how many bytes the registry has.
func (u *upload) status(ctx context.Context) error {
	u.asked = true
	res, _, err := u.w.s.ask(ctx, query{method: http.MethodGet, url: u.where}, http.StatusNoContent, http.StatusOK, http.StatusAccepted)
	var answer *transport.Error
	if errors.As(err, &answer) && answer.StatusCode < 500 && !passingStatus(answer.StatusCode) && !denied(answer) {
		return errLost // or a registry that cannot tell: both begin again
	}
	if err != nil {
		return err
	}
	has, ok := received(res)
	if !ok || has > u.sent {
		return errLost
	}
	u.doubt, u.has = false, has
	return u.forward(res)
}

// forward takes the next address from an answer that gives one.
func (u *upload) forward(res *http.Response) (err error) {
	if res.Header.Get("Location") != "" {
		u.where, err = u.w.s.follow(res)
	}
	return err
}

// received reads "Range: 0-N": N+1 bytes. "0-0" is nothing: a registry that has
// no byte says so too.
func received(res *http.Response) (int64, bool) {
	_, last, ok := strings.Cut(res.Header.Get("Range"), "-")
	n, err := strconv.ParseInt(last, 10, 64)
	if !ok || err != nil || n < 0 {
		return 0, false
	}
	if n == 0 {
		return 0, true
	}
	return n + 1, true
}

// piece sends the next PATCH: of a part longer than a chunk as a range, of a
// short one whole, which is what every registry takes.
func (u *upload) piece(ctx context.Context) error {
	s := u.w.s
	n, ranged := u.src.size-u.has, false
	if streamed := u.w.streamed.Load() && u.has == 0; !streamed && (u.has > 0 || n > u.chunk) {
		n, ranged = min(n, u.chunk), true
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	stalled := cut{fmt.Errorf("no byte moved for %v", s.pace.stall)}
	timer := time.AfterFunc(s.pace.stall, func() { stop(stalled) })
	defer timer.Stop()
	if err := u.src.seek(u.has); err != nil {
		return sourceError{err}
	}
	body := &chunkBody{src: u.src, left: n, moved: u.moved, silent: timer, stall: s.pace.stall, commit: s.pace.commit}
	r, err := http.NewRequestWithContext(ctx, http.MethodPatch, u.where.String(), body)
	if err != nil {
		return err
	}
	r.ContentLength = n
	r.Header.Set("Content-Type", "application/octet-stream")
	if ranged {
		r.Header.Set("Content-Range", fmt.Sprintf("%d-%d", u.has, u.has+n-1))
	}
	u.sent = max(u.sent, u.has+n)
	res, err := u.patch(ctx, r)
	left, own := body.rest()
	if own != nil || left > 0 || err != nil {
		u.src.reset() // what the registry took of it is not known
	}
	switch {
	case own != nil:
		return sourceError{own}
	case err != nil:
		return u.refusal(err, ranged)
	}
	defer res.Body.Close()
	if has, ok := received(res); left > 0 || ok && has != 0 && has != u.has+n {
		return errStale // fewer than sent, or nonsense: status tells
	}
	u.has += n
	return u.forward(res)
}

func (u *upload) patch(ctx context.Context, r *http.Request) (*http.Response, error) {
	c, err := u.w.s.client(ctx, "")
	if err != nil {
		return nil, err
	}
	res, err := c.Do(r)
	if err != nil {
		return nil, caused(ctx, err)
	}
	if code := res.StatusCode; code == http.StatusTemporaryRedirect || code == http.StatusPermanentRedirect {
		defer res.Body.Close()
		if u.where, err = u.w.s.follow(res); err != nil {
			return nil, err
		}
		return nil, errMoved
	}
	if err := transport.CheckError(res, http.StatusAccepted, http.StatusNoContent, http.StatusCreated); err != nil {
		res.Body.Close()
		return nil, caused(ctx, err)
	}
	return res, nil
}

// refusal says what a PATCH that was not taken means.
func (u *upload) refusal(err error, ranged bool) error {
	var answer *transport.Error
	if !errors.As(err, &answer) {
		return err
	}
	switch code := answer.StatusCode; code {
	case http.StatusRequestEntityTooLarge: // a proxy's limit
		if u.chunk > minChunk && u.src.size > minChunk {
			u.chunk = max(min(u.chunk, u.src.size)/4, minChunk)
			u.w.chunk.Store(u.chunk)
			return fmt.Errorf("%w: %w", errStale, err)
		}
	case http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusLengthRequired, http.StatusRequestedRangeNotSatisfiable, http.StatusNotImplemented:
		if ranged && !u.asked && u.has <= u.chunk {
			return errRanges
		}
		// What the registry said that it had may have been nonsense, too.
		if code == http.StatusRequestedRangeNotSatisfiable || u.has > 0 && u.w.streamed.Load() {
			return fmt.Errorf("%w: %w", errGone, err)
		}
	case http.StatusNotFound, http.StatusGone:
		return fmt.Errorf("%w: %w", errGone, err)
	}
	return err
}

// minChunk is the least that chunks shrink to where a registry finds them too
// large.
const minChunk = 1 << 20

// commit ends the upload: the registry compares the digest.
func (u *upload) commit(ctx context.Context) error {
	to := *u.where
	if to.RawQuery != "" {
		to.RawQuery += "&"
	}
	to.RawQuery += "digest=" + url.QueryEscape(u.src.digest.String())
	q := query{method: http.MethodPut, url: &to, media: "application/octet-stream", limit: u.w.s.pace.commit}
	res, _, err := u.w.s.ask(ctx, q, http.StatusCreated, http.StatusOK, http.StatusAccepted, http.StatusNoContent)
	var answer *transport.Error
	switch {
	case err == nil:
		return u.w.agrees(res, u.src.digest.String())
	case !errors.As(err, &answer):
		return err
	case answer.StatusCode == http.StatusNotFound || answer.StatusCode == http.StatusGone:
		return fmt.Errorf("%w: %w", errGone, err)
	case answer.StatusCode == http.StatusBadRequest || answer.StatusCode == http.StatusRequestedRangeNotSatisfiable:
		if u.wrong++; u.wrong == 1 { // pieces may have met twice after a cut: once more, whole
			return fmt.Errorf("%w: %w", errGone, err)
		}
		if mentions(answer, transport.DigestInvalidErrorCode) {
			return fault.New(fault.Integrity, "layer %s: registry %s finds another digest in what it got", u.src.digest, u.w.s.host()).
				Because("it was sent twice").Try("run again; if it stays so, the registry or a proxy on the way changes bytes")
		}
	}
	return err
}

func mentions(answer *transport.Error, code transport.ErrorCode) bool {
	for _, d := range answer.Errors {
		if d.Code == code {
			return true
		}
	}
	return false
}

func denied(answer *transport.Error) bool {
	return answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden
}
