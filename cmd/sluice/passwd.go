package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"sluice/internal/account"
)

func passwdCommand() *cobra.Command {
	iterations := account.DefaultIterations
	cmd := &cobra.Command{
		Use:   "passwd",
		Short: "Make a hash of a password, for the file of sluice serve --config",
		Long: `Ask for a password and print the line that lets its user log in, for the table
of the user in the file of "sluice serve --config".

On a terminal the password is asked for twice and not shown. Otherwise it is the
first line of standard input.`,
		Example: `  sluice passwd
  sluice passwd < password.txt`,
		Args: argsAtMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			password, err := askPassword(os.Stdin, cmd.ErrOrStderr())
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
	cmd.Flags().IntVar(&iterations, "iterations", iterations, "make each guess and each first login cost `N` rounds of SHA-256")
	return cmd
}

// askPassword returns what is typed on a terminal, or the first line of what
// is none.
func askPassword(in *os.File, prompts io.Writer) (string, error) {
	if term.IsTerminal(int(in.Fd())) {
		return askTwice(in, prompts)
	}
	line, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && err != io.EOF {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}

// askTwice asks on a terminal, which shows nothing of it. In its raw mode
// Ctrl-C is a character, so that no signal can leave it without its echo.
func askTwice(in *os.File, prompts io.Writer) (string, error) {
	before, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return "", fmt.Errorf("read the password from the terminal: %w", err)
	}
	defer func() { _ = term.Restore(int(in.Fd()), before) }()
	terminal := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{in, prompts}, "")
	first, err := terminal.ReadPassword("Password: ")
	if err != nil {
		_, _ = io.WriteString(terminal, "\n") // the end of the line with the prompt
		return "", errors.New("no password was typed")
	}
	second, err := terminal.ReadPassword("Again: ")
	if err != nil || first != second {
		return "", errors.New("the two passwords differ; try again")
	}
	return first, nil
}
