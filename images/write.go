package images

import (
	"context"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// WriteOptions say how Write works.
type WriteOptions struct {
	Progress func(done, total int64) // bytes of blobs; for a registry only; may be nil
	Jobs     int                     // uploads at a time; 0: four
}

// Write puts the image at the destination under its tag and gives its digest.
// In a folder or a registry nothing refers to a blob before it is whole.
func Write(ctx context.Context, d Destination, i *Image, o WriteOptions) (digest string, err error) {
	if d.Dir != "" {
		return WriteLayout(ctx, d.Dir, d.Tag, i)
	}
	return push(ctx, d, i, o)
}

// push sends what the registry lacks, then the manifest.
func push(ctx context.Context, d Destination, i *Image, o WriteOptions) (string, error) {
	options := remoteOptions(ctx)
	if o.Jobs > 0 {
		options = append(options, remote.WithJobs(o.Jobs))
	}
	var wait sync.WaitGroup
	if o.Progress != nil {
		updates := make(chan v1.Update, 64)
		options = append(options, remote.WithProgress(updates))
		wait.Go(func() {
			for u := range updates { // closed by remote.Write
				o.Progress(u.Complete, u.Total)
			}
		})
	}
	err := remote.Write(d.ref, i.v1, options...)
	wait.Wait()
	if err != nil {
		return "", registryFault("push to "+d.Name(), d.ref.Context().RegistryStr(), err)
	}
	return i.Digest(), nil
}
