package daemon

import (
	"context"
	"fmt"
	"io"

	"sluice/internal/certs"
	"sluice/internal/config"
	"sluice/internal/daemon/listen"
)

// Check does what Run does before it listens, and prints "ok" if that went well.
// Whether an address is in use shows only when Run listens on it.
func Check(ctx context.Context, conf config.Config, stdout, stderr io.Writer) error {
	d, err := open(ctx, conf, stderr)
	if err != nil {
		return err
	}
	defer d.close()
	if _, err := d.checkInputs(); err != nil {
		return err
	}
	if err := d.chooseUser(); err != nil {
		return err
	}
	if err := d.checkState(); err != nil {
		return err
	}
	if _, err := d.authProgram(); err != nil {
		return err
	}
	d.warn()
	d.probe()
	if _, err := fmt.Fprintln(stdout, "ok"); err != nil {
		return fmt.Errorf("print the result: %w", err)
	}
	return nil
}

// checkInputs checks the addresses, the token and the certificates. It returns the
// certificates that it has read from files; nil if there are none.
func (d *daemon) checkInputs() (*certs.Reloader, error) {
	for _, scheme := range config.Schemes {
		for _, addr := range d.conf.Addresses(scheme) {
			if _, err := listen.Check(scheme, addr); err != nil {
				return nil, err
			}
		}
	}
	if err := d.checkAdmin(); err != nil {
		return nil, err
	}
	if len(d.conf.TLSCerts) == 0 {
		return nil, nil
	}
	return d.readCertificates()
}

// checkAdmin checks the address of the operator and the token.
func (d *daemon) checkAdmin() error {
	if d.conf.Admin == "" {
		return nil
	}
	addr, err := listen.Check(listen.Admin, d.conf.Admin)
	if err != nil {
		return err
	}
	token, err := d.readToken()
	if err != nil || addr == nil {
		return err
	}
	return d.requireToken(addr, token)
}
