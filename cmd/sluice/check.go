package main

import (
	"fmt"
	"io"
	"net"
	"strings"

	"sluice/internal/certs"
	"sluice/internal/config"
)

// try does what serve does before it listens, and says that it went well. What
// only shows when an address is listened on is not known then.
func try(conf config.Config, stdout, stderr io.Writer) error {
	b, err := openBuilder(conf, stderr)
	if err != nil {
		return err
	}
	defer b.closeFiles()
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
	for _, a := range addresses(b.conf) {
		if _, err := tryAddress(a); err != nil {
			return nil, err
		}
	}
	if err := b.inspectAdmin(); err != nil {
		return nil, err
	}
	if len(b.conf.TLSCerts) == 0 {
		return nil, nil
	}
	return readCertificates(b.conf, b.logger)
}

// inspectAdmin looks at where the operator is to be answered, and to whom.
func (b *builder) inspectAdmin() error {
	if b.conf.Admin == "" {
		return nil
	}
	addr, err := tryAddress(address{adminScheme, b.conf.Admin})
	if err != nil {
		return err
	}
	token, err := readToken(b.conf.AdminTokenFile)
	if err != nil || addr == nil {
		return err
	}
	return b.checkReach(addr, token)
}

// tryAddress looks at an address without listening there, and returns it; nil:
// it is none of TCP.
func tryAddress(a address) (*net.TCPAddr, error) {
	name, isUnix := strings.CutPrefix(a.addr, "unix:")
	switch {
	case a.addr == "", a.addr == config.Systemd:
		return nil, nil
	case isUnix && !isFTP(a.scheme):
		if name == "" {
			return nil, explainUnix(a.scheme, name, errNoName)
		}
		return nil, nil
	}
	addr, err := net.ResolveTCPAddr("tcp", a.addr)
	if err != nil {
		return nil, explainListen(a.scheme, a.addr, err)
	}
	return addr, nil
}
