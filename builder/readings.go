package builder

import (
	"sync"

	"wheelwright/solver"
)

// readings remember what pages and METADATA come to for one target, for all
// searches that share it. It is safe for concurrent use.
type readings struct {
	mu     sync.Mutex
	reader *solver.Reader
	pages  map[*solver.Page]*solver.Reading
	metas  map[*solver.Metadata]*solver.Reading
}

// readings are those for problems of p's kind, made on first use.
func (s *Session) readings(p solver.Problem) (*readings, error) {
	reader, err := solver.NewReader(p)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.read[reader.Of()]
	if r == nil {
		r = &readings{reader: reader, pages: map[*solver.Page]*solver.Reading{}, metas: map[*solver.Metadata]*solver.Reading{}}
		if s.read == nil {
			s.read = map[string]*readings{}
		}
		s.read[reader.Of()] = r
	}
	return r, nil
}

// of is f with its reading.
func (r *readings) of(f solver.Fact) solver.Fact {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case f.Page != nil:
		if r.pages[f.Page] == nil {
			r.pages[f.Page] = r.reader.Read(f)
		}
		f.Reading = r.pages[f.Page]
	case f.Metadata != nil:
		if r.metas[f.Metadata] == nil {
			r.metas[f.Metadata] = r.reader.Read(f)
		}
		f.Reading = r.metas[f.Metadata]
	}
	return f
}
