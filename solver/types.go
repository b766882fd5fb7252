package solver

import (
	"time"

	"wheelwright/solver/gpucode"
	"wheelwright/solver/pep440"
	"wheelwright/solver/pep508"
	"wheelwright/solver/tag"
)

// Prefer is the order in which complete answers are preferred.
type Prefer string

const (
	// PreferFreshest: the least sum, over Problem.Requires, of how long each
	// chosen release has been superseded; ties and everything else by PreferOrder.
	PreferFreshest Prefer = "freshest"
	// PreferOrder: newest first, in the order of Problem.Requires, then breadth
	// first through what the chosen releases need.
	PreferOrder Prefer = "order"
)

// Prerelease says when a pre-release may be chosen.
type Prerelease string

const (
	PrereleaseIfNecessary Prerelease = "if-necessary" // stable releases first, pre-releases only after them
	PrereleaseAllow       Prerelease = "allow"        // plain newest first
	PrereleaseNever       Prerelease = "never"        // only where pinned exactly
)

// Problem is all that a solution depends on besides what the index says.
type Problem struct {
	Requires    []pep508.Requirement // in the user's order
	Constraints []pep508.Requirement // narrow, never add
	Overrides   []pep508.Requirement // replace what packages say about a name
	Exclude     []pep508.Requirement // never choose: a bare name, or name==version
	AllowOld    []pep508.Name        // an older wheel than a newer sdist-only release may be chosen
	Prefer      Prefer               // empty: freshest
	Prerelease  Prerelease
	Until       time.Time                      // files uploaded later do not exist, nor those with no date unless Page.Undated; zero: no limit
	Target      tag.Target                     // tags that may be chosen
	Env         pep508.Env                     // marker variables, python_full_version among them
	Builds      []BuildRule                    // conditions on GPU builds
	Keep        map[pep508.Name]pep440.Version // versions of an existing lock: preferred where still possible
	Origins     map[string]string              // where the user wrote a word: "requires trl<1" -> "lab.yaml:4"; also constraints, overrides; for explanations
}

// BuildRule asks that Name be built with CUDA and have machine code for
// every Compute entry. Known lists what is measured of its builds; a build
// that is not listed is not rejected for its machine code.
type BuildRule struct {
	Name    pep508.Name
	CUDA    string // "12.4": major.minor
	Compute []gpucode.Capability
	Known   []KnownBuild
	Source  string // where Known comes from, for the reason printed
}

// KnownBuild is the measured machine code of one range of releases built
// with one CUDA.
type KnownBuild struct {
	Versions pep440.Specifiers
	CUDA     string
	Code     gpucode.Code
}

// Key is a question of the solver: the page of a distribution (File empty)
// or the METADATA of one of its wheels.
type Key struct {
	Name pep508.Name
	File string // wheel file name as the page lists it
}

// IsPage says whether the key asks for a page.
func (k Key) IsPage() bool { return k.File == "" }

// File is one distribution file as an index lists it (PEP 691).
type File struct {
	Name           string // file name, %-decoded
	URL            string // absolute, without credentials; a hint only
	SHA256         string // lower-case hex; empty when the index lists none
	Size           int64  // bytes; 0 when unknown
	Uploaded       time.Time
	RequiresPython string // as listed; empty: any
	Yanked         bool
	YankedReason   string
	MetadataSHA256 string // of FILE.metadata (PEP 658), when listed
	HasMetadata    bool   // the index advertises FILE.metadata
}

// Page is what an index lists for one distribution: every file, sdists too,
// in the index's own order. No file: the project does not exist there.
type Page struct {
	Name  pep508.Name
	Index string // name of the index that answered
	Files []File

	Undated bool // files with no upload date are admitted under Problem.Until
}

// Metadata is the part of core metadata that resolution reads.
type Metadata struct {
	Name           string // as written
	Version        string // as written
	RequiresPython string
	RequiresDist   []string // raw, in order
	ProvidesExtra  []string
}

// Fact answers a Key. Exactly one of the first four fields is set.
type Fact struct {
	Page     *Page
	Metadata *Metadata
	Missing  string // a page: the project does not exist; says who answered so
	Broken   string // METADATA that cannot be used, and why: the release is unusable

	Reading *Reading // of Page or Metadata, by a Reader that other solvers use too; may be nil
}

// State is what Step came to.
type State int

const (
	NeedFacts State = iota
	Done
	Failed
)

// Outcome is the result of Step.
type Outcome struct {
	State    State
	Need     []Key // NeedFacts: likeliest first; without Need[:Blocking] Step cannot go on, the rest is asked ahead
	Blocking int
	Solution *Solution // Done
	Conflict *Conflict // Failed
}

// Solution is a complete, valid choice, sorted by name.
type Solution struct {
	Packages []Package
	Warnings []string // a missing extra, an override in force: sorted, each once
	Lags     []Lag    // of each distribution of Problem.Requires in force, in the user's order
	Searched Searched
}

// Lag is how far one distribution the user requires is from its newest.
type Lag struct {
	Name       pep508.Name
	Version    pep440.Version
	Newest     pep440.Version // the newest release that the user's own words and the target allow
	Superseded time.Duration  // whole seconds; 0 for the newest, where dates are not known, and for a kept version under a BuildRule
	Because    []string       // why not newer, one line each: "unsloth 2026.10.7 requires trl<1.16"; empty without a lag
}

// Sum is the total lag.
func Sum(lags []Lag) (total time.Duration) {
	for _, l := range lags {
		total += l.Superseded
	}
	return total
}

// Searched is how much work the choice took.
type Searched struct {
	Decisions, Conflicts int
	Solves               int // searches under bounds on the lags (PreferFreshest)
	Cores                int // sets of bounds proved too tight
}

// Package is one chosen distribution.
type Package struct {
	Name     pep508.Name
	Version  pep440.Version
	Index    string
	File     File // the wheel chosen for the target
	Metadata Metadata
	Extras   []pep508.Name // asked for and provided, sorted
	Requires []pep508.Name // chosen distributions it needs under the target's markers and Extras, sorted
	Build    Build         // GPU build read from Metadata; zero when it names none
	Direct   string        // the URL of a direct reference; empty otherwise
}

// Clause is a learned impossibility: not all Terms hold at once.
type Clause struct {
	Terms    []ClauseTerm
	Evidence string // why, shown in explanations
}

// ClauseTerm is one distribution in one range of versions.
type ClauseTerm struct {
	Name     pep508.Name
	Versions pep440.Specifiers
}
