package builder

import (
	"context"

	"wheelwright/solver"
	"wheelwright/solver/pep508"
	"wheelwright/wheelhouse/index"
)

// routes are the clients that answer one build: its own for direct references
// and for names that one of its indexes reserves; for the others a client of
// the other indexes alone, which builds with other reservations share.
type routes struct {
	*index.Client
	general  *index.Client
	reserved map[pep508.Name]bool
}

// routes are the clients of a session for these indexes.
func (s *Session) routes(set index.Settings, o index.ClientOptions) (r routes, err error) {
	if r.Client, err = s.client(set, o); err != nil {
		return r, err
	}
	open := set
	open.Sources = nil
	r.reserved = map[pep508.Name]bool{}
	for _, src := range set.Sources {
		if len(src.Packages) == 0 {
			open.Sources = append(open.Sources, src)
		}
		for _, name := range src.Packages {
			r.reserved[name] = true
		}
	}
	r.general, err = s.client(open, o)
	return r, err
}

func (r routes) of(name pep508.Name) *index.Client {
	if r.reserved[name] {
		return r.Client
	}
	return r.general
}

// Page is as index.Client.Page.
func (r routes) Page(ctx context.Context, name pep508.Name) (solver.Fact, error) {
	return r.of(name).Page(ctx, name)
}

// Metadata is as index.Client.Metadata.
func (r routes) Metadata(ctx context.Context, name pep508.Name, f solver.File) (solver.Fact, error) {
	return r.of(name).Metadata(ctx, name, f)
}

// Locate is as index.Client.Locate.
func (r routes) Locate(ctx context.Context, name pep508.Name, file, sha256 string) ([]string, error) {
	return r.of(name).Locate(ctx, name, file, sha256)
}

// Forget is as index.Client.Forget.
func (r routes) Forget(f solver.File) {
	r.Client.Forget(f)
	r.general.Forget(f)
}
