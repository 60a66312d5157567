package main

import (
	"fmt"
	"io"
	"net"
	"strings"

	"sluice/internal/certs"
	"sluice/internal/config"
	"sluice/internal/vfs"
)

// try does what serve does before it listens, and says that it went well. What
// only shows when an address is listened on is not known then.
func try(conf config.Config, stdout, stderr io.Writer) error {
	b, err := newBuilder(conf, stderr)
	if err != nil {
		return err
	}
	defer b.log.flush()
	if b.tree, err = vfs.Open(conf.Root); err != nil {
		return explainRoot(conf.Root, err)
	}
	defer b.tree.Close()
	defer b.cache.Close()
	if _, err := b.inspect(); err != nil {
		return err
	}
	b.warnOfMissing()
	if _, err := fmt.Fprintln(stdout, "ok"); err != nil {
		return fmt.Errorf("print that all is well: %w", err)
	}
	return nil
}

// inspect looks at what is opened later: addresses, the token, and the
// certificates from files, which it returns; nil: there are none.
func (b *builder) inspect() (*certs.Reloader, error) {
	for _, a := range append(addresses(b.conf), address{adminScheme, b.conf.Admin}) {
		if err := tryAddress(a); err != nil {
			return nil, err
		}
	}
	if _, err := readToken(b.conf.AdminTokenFile); err != nil {
		return nil, err
	}
	if len(b.conf.TLSCerts) == 0 {
		return nil, nil
	}
	return readCertificates(b.conf, b.logger)
}

// tryAddress looks at an address without listening there.
func tryAddress(a address) error {
	name, isUnix := strings.CutPrefix(a.addr, "unix:")
	switch {
	case a.addr == "", a.addr == config.Systemd:
		return nil
	case isUnix && !isFTP(a.scheme):
		if name == "" {
			return explainUnix(a.scheme, name, errNoName)
		}
		return nil
	}
	if _, err := net.ResolveTCPAddr("tcp", a.addr); err != nil {
		return explainListen(a.scheme, a.addr, err)
	}
	return nil
}
