package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"wheelwright/builder"
	"wheelwright/fault"
)

// screen is the one progress display: a line that rewrites itself on a
// terminal, plain lines elsewhere. All rules of terminal output are here:
// stderr only, no colour and no control characters unless it is a terminal,
// nothing but errors when quiet. NO_COLOR holds trivially: no colour is used.
type screen struct {
	mu      sync.Mutex
	w       io.Writer
	quiet   bool
	live    bool
	width   int
	steps   []builder.Step
	state   map[builder.Step]builder.Event
	started map[builder.Step]time.Time
	drawn   time.Time
	line    bool // a live line stands on the terminal
}

func newScreen(w io.Writer) *screen {
	s := &screen{w: w, state: map[builder.Step]builder.Event{}, started: map[builder.Step]time.Time{}, width: 80}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb" {
		s.live = true
		if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 20 {
			s.width = n
		}
	}
	return s
}

// report shows one event.
func (s *screen) report(e builder.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.quiet {
		return
	}
	switch e.Kind {
	case builder.Began:
		s.started[e.Step] = time.Now()
		s.steps = append(s.steps, e.Step)
		s.state[e.Step] = e
		if e.Text != "" {
			s.print("%-10s %s", e.Step, e.Text)
		}
	case builder.Progressed:
		s.state[e.Step] = e
		if s.live && time.Since(s.drawn) > 80*time.Millisecond {
			s.draw()
		}
	case builder.Ended:
		for i, step := range s.steps {
			if step == e.Step {
				s.steps = append(s.steps[:i], s.steps[i+1:]...)
				break
			}
		}
		s.print("%-10s %s (%.1fs)", e.Step, e.Text, time.Since(s.started[e.Step]).Seconds())
	case builder.Note:
		s.print("%-10s %s", e.Step, e.Text)
	case builder.Warning:
		s.print("warning: %s", e.Text)
	}
}

// print writes a line that stays.
func (s *screen) print(format string, args ...any) {
	s.clear()
	fmt.Fprintln(s.w, fault.Printable(fmt.Sprintf(format, args...)))
}

// draw rewrites the live line: each running step with how far it is.
func (s *screen) draw() {
	var parts []string
	for _, step := range s.steps {
		e := s.state[step]
		text := string(step)
		switch {
		case e.Unit == builder.Bytes && e.Total > 0:
			text += fmt.Sprintf(" %s of %s", bytesText(e.Done), bytesText(e.Total))
		case e.Unit == builder.Bytes:
			text += " " + bytesText(e.Done)
		case e.Total > 0:
			text += fmt.Sprintf(" %d of %d", e.Done, e.Total)
		case e.Done > 0:
			text += fmt.Sprintf(" %d", e.Done)
		}
		parts = append(parts, text)
	}
	line := strings.Join(parts, " | ")
	if len(line) > s.width-1 {
		line = line[:s.width-1]
	}
	fmt.Fprintf(s.w, "\r\x1b[K%s", line)
	s.line, s.drawn = true, time.Now()
}

// clear removes the live line.
func (s *screen) clear() {
	if s.line {
		fmt.Fprint(s.w, "\r\x1b[K")
		s.line = false
	}
}

// close leaves the terminal as it was found.
func (s *screen) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
}

// bytesText is n in the largest binary unit that keeps it at least 1.
func bytesText(n int64) string {
	const units = "KMGT"
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	v, i := float64(n)/1024, 0
	for v >= 1024 && i < len(units)-1 {
		v, i = v/1024, i+1
	}
	return fmt.Sprintf("%.1f %ciB", v, units[i])
}
