package live_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"sluice/internal/live"
	"sluice/sendfile"
)

// An FTP session: commands on one connection, a file on another.
func Example() {
	reg := live.Registry{MaxConnsPerUser: 10}
	control, data := pipe(), pipe()
	defer control.Close()

	s, err := live.Enter(&reg, live.Client{Protocol: live.FTP, Remote: live.AddrPortOf(control.RemoteAddr()), Conn: control})
	if err != nil {
		fmt.Println("421", err)
		return
	}
	defer s.Leave()
	if err := s.SetUser("ann", 0); err != nil {
		fmt.Println("530", err)
		return
	}

	s.SetCommand("RETR status.json")
	f, err := os.Open("testdata/status.json")
	if err != nil {
		fmt.Println("550", err)
		return
	}
	defer f.Close()
	t := s.Begin(live.Job{Op: "RETR", Path: "/status.json", Size: 100, Conn: data})
	res, err := sendfile.Send(context.Background(), data, f, 0, 100, &sendfile.Options{
		Timeout: time.Minute, Progress: t.Hook(),
	})
	record := t.End(res, err) // before data is closed
	_ = data.Close()
	s.SetCommand("")
	fmt.Println("226", record.Outcome, record.Sent, "bytes by", record.Method)

	st := live.Snapshot(&reg)
	fmt.Println(st.Sessions[0].User, "is", st.Sessions[0].State)
	// Output:
	// 226 complete 100 bytes by copy
	// ann is idle
}

// pipe returns a connection whose other end reads everything.
func pipe() net.Conn {
	server, client := net.Pipe()
	go func() { _, _ = io.Copy(io.Discard, client) }()
	return server
}
