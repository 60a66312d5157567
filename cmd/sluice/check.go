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
	if err := b.chooseUser(); err != nil {
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
	for _, scheme := range config.Schemes {
		for _, addr := range b.conf.Addresses(scheme) {
			if _, err := tryAddress(scheme, addr); err != nil {
				return nil, err
			}
		}
	}
	if err := b.inspectAdmin(); err != nil {
		return nil, err
	}
	if len(b.conf.TLSCerts) == 0 {
		return nil, nil
	}
	return b.readCertificates()
}

// inspectAdmin looks at where the operator is to be answered, and to whom.
func (b *builder) inspectAdmin() error {
	if b.conf.Admin == "" {
		return nil
	}
	addr, err := tryAddress(adminScheme, b.conf.Admin)
	if err != nil {
		return err
	}
	token, err := readToken(b.files, b.conf.AdminTokenFile)
	if err != nil || addr == nil {
		return err
	}
	return b.checkReach(addr, token)
}

// tryAddress looks at an address without listening there, and returns it; nil:
// it is none of TCP.
func tryAddress(scheme, text string) (*net.TCPAddr, error) {
	name, isUnix := strings.CutPrefix(text, "unix:")
	switch {
	case text == config.Systemd:
		return nil, nil
	case isUnix && !isFTP(scheme):
		if name == "" {
			return nil, explainUnix(scheme, name, errNoName)
		}
		return nil, nil
	}
	addr, err := net.ResolveTCPAddr("tcp", text)
	if err != nil {
		return nil, explainListen(scheme, text, err)
	}
	return addr, nil
}
