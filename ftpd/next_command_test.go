package ftpd_test

import (
	"strings"
	"testing"
)

// The session keeps a limited number of lines that come during a transfer, and then stops
// reading. No line is lost, and none waits for ever.
func TestManyCommandsDuringATransferAreAllAnswered(t *testing.T) {
	const lines = 200 // more than a session keeps
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

func TestAClientThatDisconnectsWithPendingCommandsIsNoticed(t *testing.T) {
	s := start(t, nil)
	c := s.login()
	c.data(pasv, "STOR f")
	c.send("DELE f\r\n" + strings.Repeat("PWD\r\n", 10) + "PWD")
	_ = c.conn.Close()
	if x := s.transfer(); x.Err == nil {
		t.Error("reported as a success")
	}
	next(t, s.disconnects)
}
