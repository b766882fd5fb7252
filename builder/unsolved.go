package builder

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"wheelwright/fault"
	"wheelwright/solver"
)

// Unsolved is the failure of a profile that has no answer: a *fault.Error with
// what it was made of.
type Unsolved struct {
	Conflict *solver.Conflict
	Ways     []string // changes that make it solvable, each solved again to see
	fault    *fault.Error
}

func (u *Unsolved) Error() string { return u.fault.Error() }
func (u *Unsolved) Unwrap() error { return u.fault }

// unsolved is a conflict as an error of three parts, its next step what was
// seen to help.
func (b *Builder) unsolved(ctx context.Context, x *search, c *solver.Conflict) error {
	u := &Unsolved{Conflict: c, Ways: b.waysOut(ctx, x, c)}
	if err := ctx.Err(); err != nil {
		return err
	}
	u.fault = fault.New(fault.Unsatisfiable, "profile %s: %s", b.Profile.Name, c.What)
	u.fault.Why = c.Explain()
	u.fault.Next = c.Next
	if len(u.Ways) > 0 {
		u.fault.Next = strings.Join(u.Ways, "; or ")
	}
	return u
}

// FailureReport is what is said of a profile that failed, in JSON.
type FailureReport struct {
	Profile string      `json:"profile"`
	Error   ErrorReport `json:"error"`
}

// RefusalReport is what is said of a shipped profile that was passed over:
// refused, or without an answer. It is written as JSON.
type RefusalReport struct {
	Profile string      `json:"profile"`
	Refused ErrorReport `json:"refused"`
}

// Refused is why a profile was passed over, for programs.
func Refused(profile string, why error) RefusalReport {
	return RefusalReport{profile, Failure(profile, why).Error}
}

// ErrorReport is a failure in JSON.
type ErrorReport struct {
	Exit  fault.Kind     `json:"exit"` // the exit code it stands for
	What  string         `json:"what"`
	Lines []string       `json:"lines"` // why, as it is printed
	Next  string         `json:"next,omitempty"`
	Tree  *solver.Reason `json:"tree,omitempty"` // of a conflict: why, from the request downwards
	Ways  []string       `json:"ways,omitempty"` // of a conflict: changes seen to cure it, smallest first
}

// Failure is err, which ended the build of a profile, for programs.
func Failure(profile string, err error) FailureReport {
	r := FailureReport{Profile: profile, Error: ErrorReport{Exit: fault.KindOf(err), What: err.Error(), Lines: []string{}}}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		r.Error.What, r.Error.Next = f.What, f.Next
		r.Error.Lines = append(r.Error.Lines, f.Why...)
		if f.Err != nil {
			r.Error.Lines = append(r.Error.Lines, fmt.Sprint(f.Err))
		}
	}
	if u, ok := errors.AsType[*Unsolved](err); ok {
		r.Error.Ways = u.Ways
		r.Error.Tree = u.Conflict.Root
	}
	return r
}
