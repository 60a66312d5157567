package admin_test

import (
	"context"
	"fmt"
	"net"
	"net/http"

	"sluice/internal/admin"
	"sluice/internal/live"
)

// A server with a Handler, and a client that requests its status.
func Example() {
	var reg live.Registry // filled by the servers
	h := &admin.Handler{Live: &reg, Version: "1.2.3"}
	defer h.Close()
	reg.OnTransfer = h.OnTransfer
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer ln.Close()
	go func() { _ = http.Serve(ln, h) }()

	c, err := admin.NewClient(ln.Addr().String(), "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	st, err := c.Status(context.Background(), admin.Sessions)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(st.Server.Version, len(st.Sessions))
	// Output: 1.2.3 0
}
