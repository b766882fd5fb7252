package images

import (
	"context"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// registryWriter pushes to a repository.
type registryWriter struct {
	d Destination
	o WriteOptions
}

func newRegistryWriter(_ context.Context, d Destination, o WriteOptions) (*registryWriter, error) {
	return &registryWriter{d, o}, nil
}

func (w *registryWriter) layer(context.Context, *blob) error { return nil }
func (w *registryWriter) close() error                       { return nil }

// finish sends what the registry lacks, then the manifest.
func (w *registryWriter) finish(ctx context.Context, i *Image) error {
	options := remoteOptions(ctx)
	if w.o.Jobs > 0 {
		options = append(options, remote.WithJobs(w.o.Jobs))
	}
	var wait sync.WaitGroup
	if w.o.Progress != nil {
		updates := make(chan v1.Update, 64)
		options = append(options, remote.WithProgress(updates))
		wait.Go(func() {
			for u := range updates { // closed by remote.Write
				w.o.Progress(u.Complete, u.Total)
			}
		})
	}
	err := remote.Write(w.d.ref, i.v1, options...)
	wait.Wait()
	if err != nil {
		return registryFault("push to "+w.d.Name(), w.d.ref.Context().RegistryStr(), err)
	}
	return nil
}
