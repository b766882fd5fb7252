package builder

// Event is one piece of talk about a running step, for a progress display.
// It carries no time; a display that wants one keeps its own clock.
type Event struct {
	Step  Step
	Kind  EventKind
	Text  string // what is worth a line: a note, or the result of a finished step
	Done  int64  // progress of the step, in Unit
	Total int64  // 0 when not known
	Unit  Unit
}

// Step names a stage of a build, in the words of the command line.
type Step string

const (
	StepResolve    Step = "resolve"
	StepBase       Step = "base"
	StepWheelhouse Step = "wheelhouse"
	StepLayers     Step = "layers"
	StepImage      Step = "image"
)

// EventKind says what an Event reports.
type EventKind int

const (
	Began EventKind = iota
	Progressed
	Ended
	Note    // to be told once, whatever the display
	Warning // a note the user should act on
)

// Unit is what Done and Total count.
type Unit string

const (
	Bytes Unit = "bytes"
	Items Unit = "items"
)

// report sends e to the display; a Builder without one says nothing.
func (b *Builder) report(e Event) {
	if b.Report != nil {
		b.Report(e)
	}
}

// note tells one line in step s.
func (b *Builder) note(s Step, text string) { b.report(Event{Step: s, Kind: Note, Text: text}) }

// warn tells one line the user should act on.
func (b *Builder) warn(s Step, text string) { b.report(Event{Step: s, Kind: Warning, Text: text}) }
