package ftpd_test

import (
	"strings"
	"testing"
)

// What a client sends during a transfer is kept for it up to a bound, then left
// in its own hands. Nothing is lost and nothing waits for ever.
func TestCommandsBeyondCountWaitForATransfer(t *testing.T) {
	const lines = 200 // more than are held
	s := start(t, nil)
	c := s.login()
	conn := c.data(pasv, "STOR f")
	c.send(strings.Repeat("PWD\r\n", lines-1) + "PWD")
	if _, err := conn.Write([]byte("all")); err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	c.expect(226, "STOR")
	for range lines {
		c.expect(257, "PWD")
	}
	c.want(213, "SIZE f")
}

func TestClientThatLeavesWithCommandsWaitingIsGone(t *testing.T) {
	s := start(t, nil)
	c := s.login()
	c.data(pasv, "STOR f")
	c.send("DELE f\r\n" + strings.Repeat("PWD\r\n", 10) + "PWD")
	_ = c.conn.Close()
	if x := s.transfer(); x.Err == nil {
		t.Error("told a success")
	}
	next(t, s.leavings)
}
