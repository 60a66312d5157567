package nettest

import (
	"io"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"
)

func TestPacketsBetweenHostsAreDelayed(t *testing.T) {
	const delay = 20 * time.Millisecond
	CheckLeaks(t)
	here, there := Path{Delay: delay, MTU: 1500, Queue: 500}.Hosts(t)
	var ln net.Listener
	if err := there.Do(func() (err error) { ln, err = net.Listen("tcp4", there.Addr+":0"); return err }); err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	sent := make(chan error, 1)
	go func() {
		conn, err := ln.Accept()
		if err == nil {
			_, err = io.Copy(conn, Pattern(1<<20))
			_ = conn.Close()
		}
		sent <- err
	}()

	var conn net.Conn
	begun := time.Now()
	if err := here.Do(func() (err error) { conn, err = net.Dial("tcp4", ln.Addr().String()); return err }); err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if took := time.Since(begun); took < 2*delay {
		t.Errorf("connecting took %v, want at least %v", took, 2*delay)
	}
	if got := <-Sum(t, conn); got.N != 1<<20 || got.SHA256 != PatternSum(0, 1<<20) {
		t.Errorf("got %d bytes, error %v", got.N, got.Err)
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
}

func TestProgramsRunOnAHost(t *testing.T) {
	here, there := Path{MTU: 1500, Queue: 500}.Hosts(t)
	for _, host := range []*Host{here, there} {
		argv := append(host.Command(), "ip", "-4", "-o", "addr")
		got, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
		if err != nil || !strings.Contains(string(got), "path0    inet "+host.Addr+"/24") {
			t.Errorf("%s has %s, %v", host.Addr, got, err)
		}
	}
}
