package builder

import (
	"wheelwright/profiles"
	"wheelwright/wheelhouse/index"
)

// ProfileRow is one shipped profile in short.
type ProfileRow struct {
	Name    string   `json:"name"`
	Python  string   `json:"python"`
	CUDA    string   `json:"cuda,omitempty"`
	Compute []string `json:"compute,omitempty"` // compute capabilities
	Summary string   `json:"summary,omitempty"`
	Refused string   `json:"refused,omitempty"` // why it cannot be built; empty: it can
}

// ProfileNames are the shipped profiles, sorted.
func ProfileNames() []string { return profiles.Names() }

// ListProfiles are the shipped profiles in short, sorted by name.
func ListProfiles() ([]ProfileRow, error) {
	rows := []ProfileRow{}
	for _, name := range profiles.Names() {
		p, err := profiles.Load(name)
		if err != nil {
			return nil, err
		}
		row := ProfileRow{Name: p.Name, Python: p.Python, Summary: p.Summary}
		if p.GPU != nil {
			row.CUDA, row.Compute = p.GPU.CUDA, p.GPU.Compute
		}
		if refusal := p.Refusal(); refusal != nil {
			row.Refused = refusal.Error()
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// ShowProfile is a profile as it is after extends is merged: as YAML, and as
// a value that marshals to JSON.
func ShowProfile(nameOrPath string) (yaml []byte, value any, err error) {
	p, err := profiles.Load(nameOrPath)
	if err != nil {
		return nil, nil, err
	}
	return p.YAML(), p, nil
}

// ProfileIndexes are the names of a profile's indexes.
func ProfileIndexes(nameOrPath string) ([]string, error) {
	p, err := profiles.Load(nameOrPath)
	if err != nil {
		return nil, err
	}
	if len(p.Indexes) == 0 {
		return []string{index.DefaultName}, nil
	}
	var names []string
	for _, x := range p.Indexes {
		if x.Name != "" {
			names = append(names, x.Name)
		}
	}
	return names, nil
}
