package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sluice/internal/daemon"
	"sluice/internal/session"
	"sluice/internal/show"
)

// sessionFlags are those of the commands for sessions.
type sessionFlags struct {
	state string
	user  string
	all   bool
}

func sessionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "session",
		Short: "List and end the sessions of the login page of sluice serve --state",
		Long: `List and end the sessions of users who have logged in by the login page of a server
with "sluice serve --state DIR". A running server notices within a second.

Without --state, DIR is that of the variable STATE_DIRECTORY.`,
		Example: `  sluice session list --state /var/lib/sluice
  sluice session revoke 4f1c0a6be2d9 --state /var/lib/sluice
  sluice session revoke --user alice --state /var/lib/sluice`,
		Args: noCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(sessionListCommand(), sessionRevokeCommand())
	return cmd
}

func sessionListCommand() *cobra.Command {
	var f sessionFlags
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the sessions, the oldest first",
		Long: `List who has logged in by the login page: when, from where and with which program.
USED may be older than the last use by a twentieth of --session-idle. Nobody can
log in with an ID.

The server also ends sessions after --session-idle and --session-lifetime, which
this command does not know.`,
		Args: argsAtMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			store, err := f.open(cmd)
			if err != nil {
				return err
			}
			sessions, err := store.List()
			if err != nil {
				return err
			}
			return printText(cmd, sessionTable(sessions))
		},
	}
	f.addState(cmd)
	return cmd
}

func sessionRevokeCommand() *cobra.Command {
	var f sessionFlags
	cmd := &cobra.Command{
		Use:   "revoke [ID]...",
		Short: "End sessions by their IDs, those of a user, or all",
		Long: `End sessions: those with the IDs that "sluice session list" shows, those of --user,
or --all. Who has the password can log in again.`,
		Example: `  sluice session revoke 4f1c0a6be2d9 --state /var/lib/sluice
  sluice session revoke --user alice --state /var/lib/sluice
  sluice session revoke --all --state /var/lib/sluice`,
		RunE: func(cmd *cobra.Command, ids []string) error {
			given := 0
			for _, isGiven := range []bool{len(ids) > 0, f.user != "", f.all} {
				if isGiven {
					given++
				}
			}
			if given != 1 {
				return misused(cmd, errors.New("give either IDs of \"sluice session list\", or --user NAME, or --all"))
			}
			store, err := f.open(cmd)
			if err != nil {
				return err
			}
			ended, err := store.Revoke(func(s session.Session) bool {
				return f.all || s.User == f.user || slices.Contains(ids, s.ID)
			})
			if err != nil {
				return err
			}
			if err := printText(cmd, fmt.Sprintf("%d ended. A running server notices within a second.\n", len(ended))); err != nil {
				return err
			}
			return f.missing(ids, ended)
		},
	}
	f.addState(cmd)
	cmd.Flags().StringVar(&f.user, "user", "", "end all sessions of the user `NAME`")
	cmd.Flags().BoolVar(&f.all, "all", false, "end all sessions")
	return cmd
}

// missing returns an error if there was no session with one of the IDs, or of the user.
func (f *sessionFlags) missing(ids []string, ended []session.Session) error {
	ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
		return slices.ContainsFunc(ended, func(s session.Session) bool { return s.ID == id })
	})
	switch {
	case len(ids) > 0:
		return fmt.Errorf("there is no session %s; \"sluice session list\" shows them", strings.Join(ids, ", "))
	case f.user != "" && len(ended) == 0:
		return fmt.Errorf("user %s has no session", f.user)
	}
	return nil
}

func (f *sessionFlags) addState(cmd *cobra.Command) {
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&f.state, "state", "", "use the directory `DIR`, as given to sluice serve --state")
}

// open returns the sessions in the directory, without limits of their time.
func (f *sessionFlags) open(cmd *cobra.Command) (*session.Store, error) {
	if f.state == "" {
		f.state = stateDirectory(os.Environ())
	}
	if f.state == "" {
		return nil, misused(cmd, errors.New("name the directory of the server by --state DIR"))
	}
	store := &session.Store{File: daemon.SessionsFile(f.state), Idle: -1, Lifetime: -1}
	switch _, err := os.Stat(store.File); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s does not exist: nobody has logged in by the login page of a server with --state %s", store.File, f.state)
	case err != nil:
		return nil, err
	}
	return store, nil
}

// sessionTable returns a line for each session.
func sessionTable(sessions []session.Session) string {
	columns := []show.Column{{Title: "ID"}, {Title: "USER"}, {Title: "MADE"}, {Title: "USED"}, {Title: "FROM"}, {Title: "PROGRAM"}}
	var rows [][]string
	for _, s := range sessions {
		rows = append(rows, []string{
			s.ID, show.Plain(s.User), s.Made.Format(time.DateTime), s.Used.Format(time.DateTime), show.OrDash(show.Plain(s.Addr)), show.OrDash(show.Plain(s.Agent)),
		})
	}
	return show.Table(columns, rows)
}
