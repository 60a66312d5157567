// Command sluice serves a directory over HTTP and FTP, by the shortest road
// through the kernel.
//
//	sluice serve /srv/pub
//
// It exits with 2 when it was called in a way that makes no sense, and with 1
// when it could not do what it was asked for.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"sluice/internal/sandbox"
)

func main() {
	sandbox.RunHelper()
	os.Exit(sluice())
}

// sluice is main with an exit status.
func sluice() int {
	err := rootCommand().ExecuteContext(context.Background())
	if err == nil {
		return 0
	}
	fmt.Fprintf(os.Stderr, "sluice: %v\n", err)
	if errors.As(err, new(usageError)) {
		return 2
	}
	return 1
}

// usageError is the caller's mistake rather than the world's.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// misused returns a usageError that says where to read on.
func misused(cmd *cobra.Command, err error) error {
	return usageError{fmt.Errorf("%w; see %q", err, cmd.CommandPath()+" --help")}
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "sluice",
		Short: "Serve a directory over HTTP, HTTPS and FTP at the speed of the kernel",
		Args:  noCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		// sluice prints errors, each in one line.
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       versionText(), // of the flag --version
	}
	root.SetVersionTemplate("{{.Version}}")
	root.SetFlagErrorFunc(misused)
	root.AddCommand(serveCommand(), passwdCommand(), topCommand(), whoCommand(), netstatCommand(), procinfoCommand(), procsmemCommand(),
		benchCommand(), gofsCommand(), versionCommand())
	return root
}

// noCommand refuses the name of a command that there is not.
func noCommand(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return misused(cmd, fmt.Errorf("unknown command %q", args[0]))
	}
	return nil
}

// argsAtMost is cobra.MaximumNArgs with an exit status of 2.
func argsAtMost(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > n {
			return misused(cmd, fmt.Errorf("unexpected argument %q", args[n]))
		}
		return nil
	}
}
