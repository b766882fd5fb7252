package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"wheelwright/builder"
	"wheelwright/fault"
)

// standingFlags name locks that stand: by profile, or by the lock itself.
type standingFlags struct {
	profiles []string
	python   string
}

func (s *standingFlags) add(c *cobra.Command) {
	c.Flags().StringSliceVarP(&s.profiles, "profile", "p", nil, "the lock of a profile: a name, a path, or several with commas")
	s.addPython(c)
	if err := c.RegisterFlagCompletionFunc("profile", profileNames); err != nil {
		panic(err) // the flag is defined above
	}
}

func (s *standingFlags) addPython(c *cobra.Command) {
	c.Flags().StringVar(&s.python, "python", "", "the lock for another Python, as lock was given: pylock.PROFILE-pyXY.toml")
}

// refs are the locks asked for; args holds at most one lock file.
func (s *standingFlags) refs(c *cobra.Command, args []string) ([]builder.LockRef, error) {
	switch {
	case len(args) > 0 && len(s.profiles) > 0:
		return nil, fault.New(fault.Input, "--profile %s and the lock %s exclude each other", strings.Join(s.profiles, ","), args[0]).Try("leave one of them out")
	case len(args) > 0:
		return []builder.LockRef{{File: args[0], Python: s.python}}, nil
	case len(s.profiles) == 0:
		return nil, builder.NoLockGiven(c.CommandPath())
	}
	var out []builder.LockRef
	for _, p := range s.profiles {
		out = append(out, builder.LockRef{Profile: p, Python: s.python})
	}
	return out, nil
}

// tellStanding warns where a lock is not that of its profile as it is.
func (a *app) tellStanding(lock *builder.Standing) {
	if lock.Edited {
		a.warn("%s was not written from profile %s as it is now", shown(lock.Path), lock.Profile.Name)
	}
}

// warn tells one line that the user should act on.
func (a *app) warn(format string, args ...any) {
	a.screen.report(builder.Event{Kind: builder.Warning, Text: fmt.Sprintf(format, args...)})
}

// upToOneLock refuses a second lock file as a usage error.
func upToOneLock(c *cobra.Command, args []string) error {
	if len(args) > 1 {
		return fault.New(fault.Input, "%s takes one lock, got %d", c.CommandPath(), len(args)).Try("%s --help", c.CommandPath())
	}
	return nil
}

// line is foreign text made fit for one line of a terminal.
func line(s string) string { return fault.Printable(strings.Join(strings.Fields(s), " ")) }
