// Command driver runs a driver of ftpserverlib on Sluice's FTP engine. Its clients
// may read and change a directory.
//
//	driver 127.0.0.1:2121 /srv/pub
package main

import (
	"crypto/tls"
	"errors"
	"log"
	"net"
	"os"

	ftpserver "github.com/fclairamb/ftpserverlib"
	"github.com/spf13/afero"

	"sluice/ftpd"
)

// driver accepts the user ann, who may read and change dir.
type driver struct{ dir string }

func (d driver) GetSettings() (*ftpserver.Settings, error) {
	return &ftpserver.Settings{ActiveTransferPortNon20: true, DisableASCIIConversion: true}, nil
}

func (d driver) ClientConnected(ftpserver.ClientContext) (string, error) { return "Welcome", nil }

func (d driver) ClientDisconnected(cc ftpserver.ClientContext) { log.Print(cc.RemoteAddr(), " left") }

func (d driver) AuthUser(_ ftpserver.ClientContext, user, pass string) (ftpserver.ClientDriver, error) {
	if user != "ann" || pass != "secret" {
		return nil, errors.New("wrong password")
	}
	return afero.NewBasePathFs(afero.NewOsFs(), d.dir), nil
}

func (d driver) GetTLSConfig() (*tls.Config, error) { return nil, errors.New("no certificate") }

func main() {
	srv := ftpd.FromDriver(driver{os.Args[2]})
	srv.OnTransfer = func(x ftpd.Transfer) { log.Print(x.Op, " ", x.Path, " by ", x.Method) }
	ln, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	log.Print("ftp://", ln.Addr())
	log.Fatal(srv.Serve(ln))
}
