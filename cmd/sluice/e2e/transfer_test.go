//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"

	"sluice/internal/nettest"
)

// download is a download in progress of a file of the pattern.
type download struct {
	content io.Reader
	off     int64          // offset of content in the file
	conns   []*net.TCPConn // connections of the client; the last one carries the content
	ending  func() error   // reads and checks the reply after the content
}

// protocols has a function for each protocol that starts a download.
var protocols = []struct {
	name  string
	begin func(ctx context.Context, s *server, file string) (*download, error)
}{
	{"HTTP", requestFile},
	{"FTP", retrieveFile},
}

// requestFile starts a download by HTTP.
func requestFile(ctx context.Context, s *server, file string) (*download, error) {
	conn, err := dial(ctx, s.http.Host)
	if err != nil {
		return nil, err
	}
	d := &download{conns: []*net.TCPConn{conn}, ending: func() error { return nil }}
	if _, err := fmt.Fprintf(conn, "GET /%s HTTP/1.1\r\nHost: %s\r\n\r\n", file, s.http.Host); err != nil {
		d.close()
		return nil, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %s", resp.Status)
	}
	if err != nil {
		d.close()
		return nil, err
	}
	d.content = resp.Body // returns an error if the download is cut
	return d, nil
}

// retrieveFile starts a download by FTP, as anonymous.
func retrieveFile(ctx context.Context, s *server, file string) (*download, error) {
	c, err := dialFTP(ctx, s.ftp.Host, "", "")
	if err != nil {
		return nil, err
	}
	data, err := c.transfer(ctx, "RETR "+file)
	if err != nil {
		_ = c.conn.Close()
		return nil, err
	}
	return &download{content: data, conns: []*net.TCPConn{c.conn, data}, ending: func() error {
		_, err := c.expect(226)
		return err
	}}, nil
}

// downloadAll starts a download in each protocol and reads its first bytes. The end of the
// test closes them.
func (s *server) downloadAll(file string) []*download {
	s.t.Helper()
	var all []*download
	for _, protocol := range protocols {
		d, err := protocol.begin(s.t.Context(), s, file)
		if err != nil {
			s.t.Fatalf("%s: %v", protocol.name, err)
		}
		s.t.Cleanup(d.close)
		if err := d.skip(1000); err != nil {
			s.t.Fatalf("%s: %v", protocol.name, err)
		}
		all = append(all, d)
	}
	return all
}

// skip reads n bytes.
func (d *download) skip(n int64) error {
	n, err := io.CopyN(io.Discard, d.content, n)
	d.off += n
	return err
}

// finish reads the rest of a file of this size. It returns an error if the content or the
// server's reply is wrong.
func (d *download) finish(t *testing.T, size int64) error {
	want := nettest.Got{N: size - d.off, SHA256: nettest.PatternSum(d.off, size-d.off)}
	if got := <-nettest.Sum(t, d.content); got != want {
		return fmt.Errorf("got %d bytes, error %v, not the %d from %d on", got.N, got.Err, want.N, d.off)
	}
	return d.ending()
}

// reset resets the connections, as if the client had crashed.
func (d *download) reset(t *testing.T) {
	for _, c := range d.conns {
		nettest.Reset(t, c)
	}
}

func (d *download) close() {
	for _, c := range d.conns {
		_ = c.Close()
	}
}

// upload is an upload in progress of a file of the pattern.
type upload struct {
	client *ftpClient
	data   *net.TCPConn
	off    int64 // bytes sent so far
}

// beginUpload starts an upload and sends 300,000 bytes. The end of the test closes its
// connections.
func (s *server) beginUpload(name string) *upload {
	s.t.Helper()
	c, err := dialFTP(s.t.Context(), s.ftp.Host, user, password)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.conn.Close() })
	data, err := c.transfer(s.t.Context(), "STOR "+name)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = data.Close() })
	u := &upload{client: c, data: data}
	if u.off, err = io.Copy(data, nettest.Pattern(300_000)); err != nil {
		s.t.Fatal(err)
	}
	return u
}

// finish sends the rest of a file of this size. It returns an error if the upload fails.
func (u *upload) finish(size int64) error {
	rest := io.NewSectionReader(nettest.Pattern(size).(io.ReaderAt), u.off, size-u.off)
	if _, err := io.Copy(u.data, rest); err != nil {
		return err
	}
	if err := u.data.Close(); err != nil {
		return err
	}
	_, err := u.client.expect(226)
	return err
}

// reset resets the connections, as if the client had crashed.
func (u *upload) reset(t *testing.T) {
	nettest.Reset(t, u.data)
	nettest.Reset(t, u.client.conn)
}
