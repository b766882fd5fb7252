package images

import "context"

// WriteOptions say how an image is written.
type WriteOptions struct {
	Tags     []string                // the image's names there; none: the destination's own
	Progress func(done, total int64) // bytes of layers sent; for a registry only; calls do not overlap; may be nil
	Jobs     int                     // layers at a time; 0: four to a registry, one for each core into a folder
	Registry RegistryOptions         // for a registry only
	Remember string                  // folder for hints which repository holds which blob; empty: none are kept
}

// RegistryOptions say how registries are reached.
type RegistryOptions struct {
	CA        []byte   // PEM certificates trusted besides the system's; nil: none
	PlainHTTP []string // hosts ("host" or "host:port") spoken to without TLS, besides loopback
}

// Writer takes one image to one destination: its layers as they are known, in
// any order and side by side, then the image itself. Nothing at the destination
// refers to a layer before all is whole.
type Writer struct {
	Destination
	w writer
}

// writer is one kind of destination.
type writer interface {
	// layer brings one layer there. A layer that is there already is not opened.
	layer(ctx context.Context, b *blob) error
	// finish brings what of the image's layers is not there yet, its
	// configuration and manifest, and gives it its tags.
	finish(ctx context.Context, i *Image) error
	// close gives up what was begun and not finished.
	close() error
}

// NewWriter opens a destination. Close it.
func NewWriter(ctx context.Context, d Destination, o WriteOptions) (*Writer, error) {
	if len(o.Tags) == 0 {
		o.Tags = []string{d.Tag}
	}
	w, err := openWriter(ctx, d, o)
	if err != nil {
		return nil, err
	}
	return &Writer{d, w}, nil
}

func openWriter(ctx context.Context, d Destination, o WriteOptions) (writer, error) {
	switch {
	case d.Dir != "":
		return newLayoutWriter(ctx, d.Dir, o)
	case d.File != "":
		return newArchiveWriter(ctx, d, o)
	}
	return newRegistryWriter(ctx, d, o)
}

// Finish ends the writing of i and gives its digest.
func (w *Writer) Finish(ctx context.Context, i *Image) (digest string, err error) {
	if err := w.w.finish(ctx, i); err != nil {
		return "", err
	}
	return i.Digest(), nil
}

// Close gives up what was begun and not finished.
func (w *Writer) Close() error { return w.w.close() }

// Write puts a finished image at the destination and gives its digest.
func Write(ctx context.Context, d Destination, i *Image, o WriteOptions) (digest string, err error) {
	w, err := NewWriter(ctx, d, o)
	if err != nil {
		return "", err
	}
	defer w.Close()
	return w.Finish(ctx, i)
}
