// Command sluice serves a directory over HTTP and FTP with the zero-copy system
// calls of the kernel.
//
//	sluice serve /srv/pub
//
// This package holds the commands and their flags, and turns flags, environment
// and file into a configuration. Package daemon serves; package inspect looks at
// processes and sockets; packages admin and top connect to a running server.
//
// The exit status is 2 if the command line or the configuration makes no sense,
// and 1 if the command failed.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"sluice/internal/sandbox"
)

func main() {
	sandbox.RunHelper()
	os.Exit(run())
}

// run is main; it returns the exit status.
func run() int {
	err := rootCommand().ExecuteContext(context.Background())
	if err == nil {
		return 0
	}
	printError(os.Stderr, err)
	if errors.As(err, new(usageError)) {
		return 2
	}
	return 1
}

// endingSignals returns the signals that end a command which has something to undo. SIGHUP is none
// under nohup.
func endingSignals() []os.Signal {
	all := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		all = append(all, syscall.SIGHUP)
	}
	return all
}

// printError prints an error. It waits a second at most: the pipe may be full of a log that nobody
// reads.
func printError(w io.Writer, err error) {
	printed := make(chan struct{})
	go func() {
		defer close(printed)
		_, _ = fmt.Fprintf(w, "sluice: %v\n", err)
	}()
	select {
	case <-printed:
	case <-time.After(time.Second):
	}
}

// usageError is a mistake on the command line: the exit status is 2.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// misused returns a usageError that names the help of the command.
func misused(cmd *cobra.Command, err error) error {
	return usageError{fmt.Errorf("%w; see %q", err, cmd.CommandPath()+" --help")}
}

func rootCommand() *cobra.Command {
	var version bool
	root := &cobra.Command{
		Use:   "sluice",
		Short: "Serve a directory over HTTP, HTTPS and FTP at the speed of the kernel",
		Args:  noCommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if version {
				return printText(cmd, versionText())
			}
			return cmd.Help()
		},
		// run prints errors, each in one line.
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	// Not cobra's own flag, which links text/template.
	root.Flags().BoolVarP(&version, "version", "v", false, "print the version")
	root.SetFlagErrorFunc(misused)
	root.SetUsageFunc(printUsage)
	root.AddCommand(serveCommand(), passwdCommand(), userCommand(), sessionCommand(), topCommand(), whoCommand(), netstatCommand(), procinfoCommand(), procsmemCommand(),
		benchCommand(), gofsCommand(), kernelCommand(), versionCommand())
	return root
}

// noCommand refuses an unknown command.
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
