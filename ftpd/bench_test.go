package ftpd_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"testing"

	"sluice/ftpd"
)

// BenchmarkLogin is a client that connects, logs in and leaves. Both sides
// count.
func BenchmarkLogin(b *testing.B) {
	s := tester(b)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	b.ReportAllocs()
	for b.Loop() {
		conn, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		r := bufio.NewReader(conn)
		for _, line := range []string{"", "USER ftp\r\n", "PASS x\r\n", "QUIT\r\n"} {
			_, _ = io.WriteString(conn, line)
			if _, err := r.ReadSlice('\n'); err != nil {
				b.Fatal(err)
			}
		}
		_ = conn.Close()
	}
	_ = s.Close()
	if err := <-served; !errors.Is(err, ftpd.ErrServerClosed) {
		b.Error(err)
	}
}
