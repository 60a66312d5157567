package peers

import (
	"net"
	"net/http"
)

const (
	goFileServer = "gofs"

	// GoFSRole is the argument with which this program calls ServeGoFS. An
	// address and a folder follow.
	GoFSRole = "serve-gofs"
)

// ServeGoFS serves a folder like a Go program with net/http alone. It returns only
// if that fails.
func ServeGoFS(address, dir string) error {
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	return http.Serve(ln, http.FileServer(http.Dir(dir)))
}
