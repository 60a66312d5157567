package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"

	"github.com/spf13/cobra"

	"sluice/internal/admin"
	"sluice/internal/status"
)

// defaultAdmin is where the commands ask if nothing else is said.
const defaultAdmin = "127.0.0.1:9180"

// adminFlags say which server a command asks.
type adminFlags struct{ addr, tokenFile string }

func (a *adminFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&a.addr, "admin", defaultAdmin, "ask the server whose --admin is `ADDR`: HOST:PORT, unix:PATH or a URL")
	f.StringVar(&a.tokenFile, "admin-token-file", "", "`FILE` with the token that it wants; the variable SLUICE_ADMIN_TOKEN is the same")
}

// client returns what asks the server. The caller closes it.
func (a *adminFlags) client(cmd *cobra.Command) (*admin.Client, error) {
	token, err := readToken(nil, a.tokenFile)
	if err != nil {
		return nil, err
	}
	c, err := admin.NewClient(a.addr, token)
	if err != nil {
		return nil, misused(cmd, fmt.Errorf("--admin: %w", err))
	}
	return c, nil
}

// status asks once.
func (a *adminFlags) status(cmd *cobra.Command, want admin.Want) (*status.Status, error) {
	c, err := a.client(cmd)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	st, err := c.Status(cmd.Context(), want)
	return st, a.explain(err)
}

// explain says what to do about an error of the client.
func (a *adminFlags) explain(err error) error {
	var op *net.OpError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, admin.ErrToken):
		return fmt.Errorf("the server on %s wants a token, or another one; name the file with it by --admin-token-file", a.addr)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("this user may not connect to %s; ask as the user of the server, or one of its group", a.addr)
	case errors.As(err, &op) && op.Op == "dial" && strings.Contains(a.addr, "://"):
		return fmt.Errorf("no server answers on %s: %w", a.addr, op.Err)
	case errors.As(err, &op) && op.Op == "dial":
		return fmt.Errorf("no server answers on %s; start one with \"sluice serve --admin %s\", or say by --admin where it is", a.addr, a.addr)
	}
	return fmt.Errorf("%s: %w", a.addr, err)
}
