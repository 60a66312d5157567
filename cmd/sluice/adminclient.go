package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"sluice/internal/admin"
	"sluice/internal/status"
)

// defaultAdmin is the default of --admin.
const defaultAdmin = "127.0.0.1:9180"

// adminFlags name the running server that a command connects to.
type adminFlags struct{ addr, tokenFile string }

func (a *adminFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&a.addr, "admin", defaultAdmin, "connect to the server with --admin `ADDR`: HOST:PORT, unix:PATH or a URL")
	f.StringVar(&a.tokenFile, "admin-token-file", "", "read the server's token from `FILE`; the variable SLUICE_ADMIN_TOKEN is the same")
}

// client returns a client of the server. The caller closes it.
func (a *adminFlags) client(cmd *cobra.Command) (*admin.Client, error) {
	token, err := admin.ReadToken(os.ReadFile, a.tokenFile)
	switch {
	case errors.As(err, new(*admin.TokenError)):
		return nil, usageError{err}
	case err != nil:
		return nil, err
	}
	c, err := admin.NewClient(a.addr, token)
	if err != nil {
		return nil, misused(cmd, fmt.Errorf("--admin: %w", err))
	}
	return c, nil
}

// status requests the status once.
func (a *adminFlags) status(cmd *cobra.Command, detail admin.Detail) (*status.Status, error) {
	c, err := a.client(cmd)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	st, err := c.Status(cmd.Context(), detail)
	return st, a.explain(err)
}

// explain adds to an error of the client what to do.
func (a *adminFlags) explain(err error) error {
	var op *net.OpError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, admin.ErrToken):
		return fmt.Errorf("the server on %s requires a token, or another one; name its file by --admin-token-file", a.addr)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("this user may not connect to %s; run the command as the user of the server, or as a user in its group", a.addr)
	case errors.As(err, &op) && op.Op == "dial" && strings.Contains(a.addr, "://"):
		return fmt.Errorf("no server answers on %s: %w", a.addr, op.Err)
	case errors.As(err, &op) && op.Op == "dial":
		return fmt.Errorf("no server answers on %s; start one with \"sluice serve --admin %s\", or give its address by --admin", a.addr, a.addr)
	}
	return fmt.Errorf("%s: %w", a.addr, err)
}
