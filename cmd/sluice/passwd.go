package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"sluice/internal/account"
)

func passwdCommand() *cobra.Command {
	iterations := account.DefaultIterations
	cmd := &cobra.Command{
		Use:   "passwd",
		Short: "Hash a password for the file of sluice serve --config",
		Long: `Ask for a password and print the line with its hash, for the table of a user in
the file of "sluice serve --config".

On a terminal it asks twice and does not show the password. Otherwise the password
is the first line of standard input.`,
		Example: `  sluice passwd
  sluice passwd < password.txt`,
		Args: argsAtMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			password, err := readPassword(os.Stdin, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			hash, err := account.NewHash(password, iterations)
			if err != nil {
				return misused(cmd, err)
			}
			if _, err := fmt.Fprintf(cmd.OutOrStdout(), "password = %q\n", hash); err != nil {
				return fmt.Errorf("print the hash: %w", err)
			}
			return nil
		},
	}
	cmd.Flags().IntVar(&iterations, "iterations", iterations, "hash with `N` rounds of SHA-256, which each login and each guess costs")
	return cmd
}

// readPassword reads a password from a terminal, or the first line of another file.
func readPassword(in *os.File, prompts io.Writer) (string, error) {
	if term.IsTerminal(int(in.Fd())) {
		return promptTwice(in, prompts)
	}
	line, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && err != io.EOF {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}

// promptTwice asks for a password twice on a terminal, which does not show it. In raw
// mode Ctrl-C is a character. Other signals restore the terminal before they end the program.
func promptTwice(in *os.File, prompts io.Writer) (string, error) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, endingSignals()...) // first: a signal that comes before the state is known waits
	defer close(signals)
	defer signal.Stop(signals)
	before, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return "", fmt.Errorf("read the password from the terminal: %w", err)
	}
	restore := sync.OnceFunc(func() { _ = term.Restore(int(in.Fd()), before) })
	defer restore()
	go func() {
		if _, ok := <-signals; ok {
			restore()
			os.Exit(1)
		}
	}()
	terminal := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{in, prompts}, "")
	first, err := terminal.ReadPassword("Password: ")
	if err != nil {
		_, _ = io.WriteString(terminal, "\n") // ends the line of the prompt
		return "", errors.New("no password was typed")
	}
	second, err := terminal.ReadPassword("Again: ")
	if err != nil || first != second {
		return "", errors.New("the two passwords differ; try again")
	}
	return first, nil
}
