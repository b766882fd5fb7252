package builder

import (
	"wheelwright/solver"
	"wheelwright/wheelhouse"
)

// LockReport is what is said of one lock, in JSON.
type LockReport struct {
	Profile  string          `json:"profile"`
	Path     string          `json:"path"`
	Digest   string          `json:"digest"` // "sha256:…" of the resolved part without addresses
	Written  bool            `json:"written"`
	Packages []PackageReport `json:"packages"`
	Changes  []string        `json:"changes,omitempty"`
	Base     []string        `json:"base_changes,omitempty"` // in what the image stands on, where that was found out anew
	Warnings []string        `json:"warnings,omitempty"`

	Lag      int64           `json:"lag"`                // seconds, the sum of Lags
	Lags     []LagReport     `json:"lags,omitempty"`     // of each requirement of the user; none of a lock used as it is
	Searched *SearchedReport `json:"searched,omitempty"` // the same
}

// SearchedReport is how much work a choice took.
type SearchedReport struct {
	Decisions int `json:"decisions"`
	Conflicts int `json:"conflicts"`
	Solves    int `json:"solves"` // searches under bounds on the lags
	Cores     int `json:"cores"`  // sets of bounds proved too tight
}

// PackageReport is one distribution of a lock.
type PackageReport struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	CUDA    string `json:"cuda,omitempty"` // the CUDA release it is built with, from its own metadata
	File    string `json:"file"`
	SHA256  string `json:"sha256"`
	Size    int64  `json:"size,omitempty"`
}

// Report is l for people and programs.
func (l *Locked) Report() LockReport {
	r := LockReport{
		Profile: l.Lock.Profile, Path: l.Path, Digest: l.Lock.Digest(),
		Written: l.Written, Packages: []PackageReport{}, Warnings: l.Warnings,
	}
	for _, f := range l.Lock.Files() {
		r.Packages = append(r.Packages, PackageReport{
			Name: string(f.Package), Version: f.Version, CUDA: l.Lock.Builds[f.Package],
			File: f.Name, SHA256: f.SHA256, Size: f.Size,
		})
	}
	for _, c := range l.Changes {
		r.Changes = append(r.Changes, c.String())
	}
	for _, c := range l.BaseChanges {
		r.Base = append(r.Base, c.String())
	}
	if s := l.Solution; s != nil {
		r.Lag = seconds(solver.Sum(s.Lags))
		for _, lag := range s.Lags {
			r.Lags = append(r.Lags, lagReport(lag))
		}
		r.Searched = &SearchedReport{s.Searched.Decisions, s.Searched.Conflicts, s.Searched.Solves, s.Searched.Cores}
	}
	return r
}

// LagLines say what the user's requirements gave up for one another, a line
// for each that did, and the sum; none where nothing was given up.
func (l *Locked) LagLines() []string {
	if l.Solution == nil {
		return nil
	}
	return lagLines(l.Solution.Lags)
}

// FillReport is what is said of one filled wheelhouse, in JSON.
type FillReport struct {
	Lock  LockReport            `json:"lock"`
	Dir   string                `json:"dir"`
	Files []wheelhouse.Artifact `json:"files"`
}

// VerifyReport is what is said of one checked wheelhouse, in JSON.
type VerifyReport struct {
	Profile string            `json:"profile"`
	Report  wheelhouse.Report `json:"report"`
}

// BuildReport is what is said of one build, in JSON.
type BuildReport struct {
	Lock  LockReport `json:"lock"`
	Image ImageBuilt `json:"image"`
}
