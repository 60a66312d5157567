package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"sluice/internal/account"
	"sluice/internal/show"
	"sluice/internal/userfile"
)

// userFlags are those of the commands that change a file of passwords.
type userFlags struct {
	file       string
	iterations int
}

func userCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "user",
		Short: "Add, change, list and remove users in the file of sluice serve --users",
		Long: `Change the file of passwords that "sluice serve --users FILE" reads: a line NAME:HASH
for each user, as Apache's htpasswd writes it.

The file is replaced as a whole: a crash leaves the old one or the new one. Comments,
the order of lines, the owner and the mode stay. A new file can be read by its owner
only. A running server reads the file again at SIGHUP (systemctl reload sluice).`,
		Example: `  sluice user add alice --users /etc/sluice/users
  sluice user passwd alice --users /etc/sluice/users < password.txt
  sluice user list --users /etc/sluice/users
  sluice user remove alice --users /etc/sluice/users`,
		Args: noCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(userAddCommand(), userPasswdCommand(), userListCommand(), userRemoveCommand())
	return cmd
}

const passwordHelp = `

On a terminal it asks twice and does not show the password. Otherwise the password
is the first line of standard input.`

func userAddCommand() *cobra.Command {
	u := userFlags{iterations: account.DefaultIterations}
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Ask for a password and add a user; make the file if there is none",
		Long:  "Add a user to the file of passwords. A missing file is made." + passwordHelp,
		Args:  u.oneName,
		RunE: func(cmd *cobra.Command, args []string) error {
			name := args[0]
			if err := account.CheckPasswordName(name); err != nil {
				return misused(cmd, err)
			}
			content, err := os.ReadFile(u.file)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			if account.HasPassword(content, name) { // before it asks; AddPassword checks it again
				return u.explain(name, account.ErrUserExists)
			}
			hash, err := u.readHash(cmd)
			if err != nil {
				return err
			}
			created := false
			err = userfile.Edit(u.file, func(old []byte, exists bool) ([]byte, error) {
				created = !exists
				return account.AddPassword(old, name, hash)
			})
			if err != nil {
				return u.explain(name, err)
			}
			if err := u.report(cmd, "user %s was added to %s", name, u.file); err != nil || !created {
				return err
			}
			return printText(cmd, "The file is new, and only its owner may read it. If the server starts as another user, give it the file by chown.\n")
		},
	}
	u.addFile(cmd)
	u.addIterations(cmd)
	return cmd
}

func userPasswdCommand() *cobra.Command {
	u := userFlags{iterations: account.DefaultIterations}
	cmd := &cobra.Command{
		Use:   "passwd NAME",
		Short: "Ask for a new password of a user",
		Long:  "Change the password of a user in the file of passwords." + passwordHelp,
		Args:  u.oneName,
		RunE: func(cmd *cobra.Command, args []string) error {
			name := args[0]
			content, err := u.read()
			if err != nil {
				return err
			}
			if !account.HasPassword(content, name) { // before it asks; ChangePassword checks it again
				return u.explain(name, account.ErrNoUser)
			}
			hash, err := u.readHash(cmd)
			if err != nil {
				return err
			}
			err = userfile.Edit(u.file, func(old []byte, _ bool) ([]byte, error) {
				return account.ChangePassword(old, name, hash)
			})
			if err != nil {
				return u.explain(name, err)
			}
			return u.report(cmd, "user %s has a new password in %s", name, u.file)
		},
	}
	u.addFile(cmd)
	u.addIterations(cmd)
	return cmd
}

func userListCommand() *cobra.Command {
	var u userFlags
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the users and the kinds of their hashes",
		Long:  "List the users in the file of passwords, in the order of the file, and how their\npasswords are hashed.",
		Args: func(cmd *cobra.Command, args []string) error {
			return errors.Join(argsAtMost(0)(cmd, args), u.check(cmd))
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			content, err := u.read()
			if err != nil {
				return err
			}
			all, err := account.ParsePasswords(content)
			if err != nil {
				return fmt.Errorf("%s: %w", u.file, err)
			}
			var rows [][]string
			for _, p := range all {
				rows = append(rows, []string{show.Plain(p.Name), p.Hash.Kind()})
			}
			return printText(cmd, show.Table([]show.Column{{Title: "NAME"}, {Title: "HASH"}}, rows))
		},
	}
	u.addFile(cmd)
	return cmd
}

func userRemoveCommand() *cobra.Command {
	var u userFlags
	cmd := &cobra.Command{
		Use:   "remove NAME",
		Short: "Remove a user",
		Long: `Remove a user from the file of passwords. After SIGHUP nobody can log in by that
name; sessions that are open go on until they are cut with "sluice top".`,
		Args: u.oneName,
		RunE: func(cmd *cobra.Command, args []string) error {
			name := args[0]
			if _, err := u.read(); err != nil { // Edit would make a missing file
				return err
			}
			err := userfile.Edit(u.file, func(old []byte, _ bool) ([]byte, error) {
				return account.RemovePassword(old, name)
			})
			if err != nil {
				return u.explain(name, err)
			}
			return u.report(cmd, "user %s was removed from %s", name, u.file)
		},
	}
	u.addFile(cmd)
	return cmd
}

func (u *userFlags) addFile(cmd *cobra.Command) {
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&u.file, "users", "", "change the file of passwords `FILE`, as given to sluice serve --users")
}

func (u *userFlags) addIterations(cmd *cobra.Command) {
	cmd.Flags().IntVar(&u.iterations, "iterations", u.iterations, "hash with `N` rounds of SHA-256, which each login and each guess costs")
}

// check returns an error if no file is named.
func (u *userFlags) check(cmd *cobra.Command) error {
	if u.file == "" {
		return misused(cmd, errors.New("name the file of passwords by --users FILE"))
	}
	return nil
}

// oneName wants the name of a user as the only argument.
func (u *userFlags) oneName(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return misused(cmd, errors.New("name a user"))
	}
	if err := argsAtMost(1)(cmd, args); err != nil {
		return err
	}
	return u.check(cmd)
}

// read reads the file.
func (u *userFlags) read() ([]byte, error) {
	content, err := os.ReadFile(u.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s does not exist; \"sluice user add NAME --users %s\" makes it", u.file, u.file)
	}
	return content, err
}

// readHash asks for a password and hashes it.
func (u *userFlags) readHash(cmd *cobra.Command) (account.Hash, error) {
	password, err := readPassword(os.Stdin, cmd.ErrOrStderr())
	if err != nil {
		return account.Hash{}, err
	}
	hash, err := account.NewHash(password, u.iterations)
	if err != nil {
		return account.Hash{}, misused(cmd, err)
	}
	return hash, nil
}

// explain adds to an error what to do.
func (u *userFlags) explain(name string, err error) error {
	switch {
	case errors.Is(err, account.ErrUserExists):
		return fmt.Errorf("user %s is in %s already; change the password by \"sluice user passwd %s --users %s\"", name, u.file, name, u.file)
	case errors.Is(err, account.ErrNoUser):
		return fmt.Errorf("user %s is not in %s; \"sluice user list --users %s\" shows who is, and \"sluice user add\" adds one", name, u.file, u.file)
	}
	return err
}

// report prints what has changed.
func (u *userFlags) report(cmd *cobra.Command, format string, args ...any) error {
	_, err := io.WriteString(cmd.OutOrStdout(), fmt.Sprintf(format, args...)+". A running server reads it after SIGHUP: systemctl reload sluice\n")
	if err != nil {
		return fmt.Errorf("print the result: %w", err)
	}
	return nil
}
