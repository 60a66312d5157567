package main

import (
	"context"
	"io"
	"net"

	"golang.org/x/sys/unix"
)

// makeSockets makes a connection that has carried some bytes, and a listener whose
// queue is full. It returns the server's end of the connection.
func makeSockets() (*net.TCPConn, error) {
	var lc net.ListenConfig
	lc.SetMultipathTCP(false)
	ln, err := lc.Listen(context.Background(), "tcp4", "127.0.0.1:8080")
	if err != nil {
		return nil, err
	}
	client, err := net.Dial("tcp4", "127.0.0.1:8080")
	if err != nil {
		return nil, err
	}
	server, err := ln.Accept()
	if err != nil {
		return nil, err
	}
	const n = 54_321
	if _, err := server.Write(make([]byte, n)); err != nil {
		return nil, err
	}
	if _, err := io.CopyN(io.Discard, client, n); err != nil {
		return nil, err
	}
	keepOpen = append(keepOpen, ln, client, server)
	return server.(*net.TCPConn), fillQueue()
}

// fillQueue makes six connections to a listener with a backlog of 2. The kernel
// queues three: one more than the backlog.
func fillQueue() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	full := &unix.SockaddrInet4{Port: 8081, Addr: [4]byte{127, 0, 0, 1}}
	if err := unix.Bind(fd, full); err != nil {
		return err
	}
	if err := unix.Listen(fd, 2); err != nil {
		return err
	}
	for range 6 {
		c, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			return err
		}
		if err := unix.Connect(c, full); err != nil && err != unix.EINPROGRESS {
			return err
		}
	}
	return nil
}
