package peers

import (
	"net"
	"net/http"
)

const (
	goFileServer = "gofs"

	// GoFSRole is the argument, followed by an address and a folder, with which
	// this program is told to call ServeGoFS.
	GoFSRole = "serve-gofs"
)

// ServeGoFS serves a folder as a Go program does that knows only net/http. It
// returns when that fails, and else never.
func ServeGoFS(address, dir string) error {
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	return http.Serve(ln, http.FileServer(http.Dir(dir)))
}
