package dataconn

import "net"

// NewConnForTest returns tcp as a data connection.
func NewConnForTest(tcp net.Conn) *Conn { return &Conn{tcp: tcp} }
