package ftpd_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"

	"sluice/ftpd"
)

// BenchmarkLogin measures a client that connects, logs in and disconnects, together with
// the server.
func BenchmarkLogin(b *testing.B) {
	addr := serveBench(b, testServer(b))
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

// BenchmarkRetrieve measures a client that downloads one small file after the other,
// together with the server.
func BenchmarkRetrieve(b *testing.B) {
	const size = 1 << 10
	s := testServer(b)
	f, err := s.FS.OpenFile("f", os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		b.Fatal(err)
	}
	if err := errors.Join(f.Truncate(size), f.Close()); err != nil {
		b.Fatal(err)
	}
	s.AcceptTimeout = patience
	send := loginBench(b, s, "ftp")
	b.ReportAllocs()
	b.SetBytes(size)
	for b.Loop() {
		data := send.data(b)
		send("RETR f\r\n", "150")
		if n, err := io.Copy(io.Discard, data); n != size || err != nil {
			b.Fatalf("got %d bytes, %v", n, err)
		}
		_ = data.Close()
		send("", "226")
	}
}

// BenchmarkList measures a client that lists one directory again and again, together with
// the server.
func BenchmarkList(b *testing.B) {
	for _, files := range []int{100, 10_000} {
		for _, command := range []string{"LIST", "NLST", "MLSD"} {
			b.Run(fmt.Sprint(command, "/", files), func(b *testing.B) {
				dir := b.TempDir()
				for i := range files {
					if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("picture-%06d.jpeg", i*7919%files)), nil, 0o644); err != nil {
						b.Fatal(err)
					}
				}
				root, err := ftpd.Dir(dir)
				if err != nil {
					b.Fatal(err)
				}
				defer root.Close()
				send := loginBench(b, &ftpd.Server{FS: root, AcceptTimeout: patience}, "ftp")
				b.ReportAllocs()
				for b.Loop() {
					data := send.data(b)
					send(command+"\r\n", "150")
					if _, err := io.Copy(io.Discard, data); err != nil {
						b.Fatal(err)
					}
					_ = data.Close()
					send("", "226")
				}
			})
		}
	}
}

// commandFunc sends a line and returns the reply, which must have that code. For "" it
// only reads a reply.
type commandFunc func(line, code string) []byte

// loginBench serves s, and returns a commandFunc for a client that has logged in as user.
func loginBench(b *testing.B, s *ftpd.Server, user string) commandFunc {
	conn, err := net.Dial("tcp", serveBench(b, s))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	r := bufio.NewReader(conn)
	send := func(line, code string) []byte {
		_, _ = io.WriteString(conn, line)
		text, err := r.ReadSlice('\n')
		if err != nil || !bytes.HasPrefix(text, []byte(code)) {
			b.Fatalf("%q: got %q, %v, want %s", line, text, err, code)
		}
		return text
	}
	send("", "220")
	send("USER "+user+"\r\n", "331")
	send("PASS x\r\n", "230")
	return send
}

// data opens a data connection.
func (send commandFunc) data(b *testing.B) net.Conn {
	text := send("EPSV\r\n", "229")
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

// BenchmarkStore measures a client that uploads the same small file again and again,
// together with the server.
func BenchmarkStore(b *testing.B) {
	const size = 1 << 10
	s := testServer(b)
	fsys := s.FS
	s.AcceptTimeout = patience
	s.Login = func(context.Context, ftpd.Client, string, string) (*ftpd.Account, error) {
		return &ftpd.Account{FS: fsys, Rights: ftpd.All}, nil
	}
	send := loginBench(b, s, "u")
	content := make([]byte, size)
	b.ReportAllocs()
	b.SetBytes(size)
	for b.Loop() {
		data := send.data(b)
		_, _ = data.Write(content)
		_ = data.Close()
		send("STOR f\r\n", "150")
		send("", "226")
	}
}
