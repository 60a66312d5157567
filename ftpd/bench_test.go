package ftpd_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"

	"sluice/ftpd"
)

// BenchmarkLogin is a client that connects, logs in and leaves. Both sides
// count.
func BenchmarkLogin(b *testing.B) {
	addr := serveBench(b, tester(b))
	b.ReportAllocs()
	for b.Loop() {
		conn, err := net.Dial("tcp", addr)
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
}

// BenchmarkRetrieve is a client that fetches one small file after the other.
// Both sides count.
func BenchmarkRetrieve(b *testing.B) {
	const size = 1 << 10
	s := tester(b)
	f, err := s.FS.OpenFile("f", os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		b.Fatal(err)
	}
	if err := errors.Join(f.Truncate(size), f.Close()); err != nil {
		b.Fatal(err)
	}
	s.AcceptTimeout = patience
	ask := loginBench(b, s, "ftp")
	b.ReportAllocs()
	b.SetBytes(size)
	for b.Loop() {
		data := ask.data(b)
		ask("RETR f\r\n", "150")
		if n, err := io.Copy(io.Discard, data); n != size || err != nil {
			b.Fatalf("got %d bytes, %v", n, err)
		}
		_ = data.Close()
		ask("", "226")
	}
}

// asker sends a line, and returns the reply, which must have that code.
type asker func(line, code string) []byte

// loginBench serves s, and returns the asker of a client that has logged in as user.
func loginBench(b *testing.B, s *ftpd.Server, user string) asker {
	conn, err := net.Dial("tcp", serveBench(b, s))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	r := bufio.NewReader(conn)
	ask := func(line, code string) []byte {
		_, _ = io.WriteString(conn, line)
		text, err := r.ReadSlice('\n')
		if err != nil || !bytes.HasPrefix(text, []byte(code)) {
			b.Fatalf("%q: got %q, %v, want %s", line, text, err, code)
		}
		return text
	}
	ask("", "220")
	ask("USER "+user+"\r\n", "331")
	ask("PASS x\r\n", "230")
	return ask
}

// data opens a data connection.
func (ask asker) data(b *testing.B) net.Conn {
	text := ask("EPSV\r\n", "229")
	port := text[bytes.IndexByte(text, '|')+3 : bytes.LastIndexByte(text, '|')]
	conn, err := net.Dial("tcp", "127.0.0.1:"+string(port))
	if err != nil {
		b.Fatal(err)
	}
	return conn
}

// serveBench serves s on loopback until the benchmark ends, and returns the
// address.
func serveBench(b *testing.B, s *ftpd.Server) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	b.Cleanup(func() {
		_ = s.Close()
		if err := <-served; !errors.Is(err, ftpd.ErrServerClosed) {
			b.Error(err)
		}
	})
	return ln.Addr().String()
}

// BenchmarkStore is a client that sends one small file after the other, in the
// place of the one before. Both sides count.
func BenchmarkStore(b *testing.B) {
	const size = 1 << 10
	s := tester(b)
	fsys := s.FS
	s.AcceptTimeout = patience
	s.Login = func(context.Context, ftpd.Client, string, string) (*ftpd.Account, error) {
		return &ftpd.Account{FS: fsys, Rights: ftpd.All}, nil
	}
	ask := loginBench(b, s, "u")
	content := make([]byte, size)
	b.ReportAllocs()
	b.SetBytes(size)
	for b.Loop() {
		data := ask.data(b)
		_, _ = data.Write(content)
		_ = data.Close()
		ask("STOR f\r\n", "150")
		ask("", "226")
	}
}
