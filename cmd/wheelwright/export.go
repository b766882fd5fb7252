package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"wheelwright/builder"
	"wheelwright/fault"
)

func (a *app) exportCommand() *cobra.Command {
	var s standingFlags
	var format, output string
	cmd := &cobra.Command{
		Use:   "export [--profile NAME | LOCK] [--format FORMAT] [--output FILE]",
		Short: "Write a lock in another form: requirements.txt, plain pylock.toml",
		Long: `Write a lock in another form, on stdout or to a file:

  requirements-txt   every distribution pinned and every file with its sha256,
                     for: pip install --require-hashes --no-deps -r FILE
  pylock             PEP 751 without what only wheelwright reads

LOCK is a path, or NAME for ./pylock.NAME.toml where no file is called so.
Indexes other than the default stand in the file without credentials (pip and uv
find these in netrc). Direct references and local wheels stand with their
address; a local path is relative to the file written (without --output, to the
working directory), and pip and uv take it from the folder they run in.`,
		Example: `  wheelwright export --profile ada_cu124 -o requirements.txt
  wheelwright export pylock.ada_cu124.toml | uv pip sync -`,
		Args: upToOneLock,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(s.profiles) > 1 {
				return fault.New(fault.Input, "export writes one file and %d profiles are asked for", len(s.profiles)).Try("export each by itself: --profile %s", s.profiles[0])
			}
			refs, err := s.refs(cmd, args)
			if err != nil {
				return err
			}
			lock, err := builder.OpenLock(refs[0])
			if err != nil {
				return err
			}
			if refs[0].Profile != "" {
				a.tellStanding(lock)
			}
			if output == "-" {
				output = ""
			}
			text, err := lock.Export(format, output)
			if err != nil {
				return err
			}
			if output != "" {
				a.screen.report(builder.Event{Step: "export", Kind: builder.Note, Text: "wrote " + output})
				return nil
			}
			_, err = a.stdout.Write(text)
			return err
		},
	}
	s.add(cmd)
	cmd.Flags().StringVar(&format, "format", builder.ExportFormats()[0], "one of: "+strings.Join(builder.ExportFormats(), ", "))
	cmd.Flags().StringVarP(&output, "output", "o", "", "the file to write (default, and -: stdout)")
	if err := cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(builder.ExportFormats(), cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(fmt.Sprint(err)) // the flag is defined above
	}
	return cmd
}
