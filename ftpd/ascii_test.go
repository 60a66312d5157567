package ftpd_test

import (
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/spf13/afero"

	"sluice/ftpd"
	"sluice/internal/nettest"
	"sluice/sendfile"
)

// networkForm returns lines as the server must send them, and fileForm returns lines from
// a client as the server must store them.
func networkForm(lines string) string {
	return strings.ReplaceAll(strings.ReplaceAll(lines, "\r\n", "\n"), "\n", "\r\n")
}

func fileForm(lines string) string {
	if runtime.GOOS == "windows" {
		return lines
	}
	return strings.ReplaceAll(lines, "\r\n", "\n")
}

// readConverted returns lines as the server sends them, read in pieces of these sizes.
func readConverted(t *testing.T, lines io.Reader, pieces func() int) string {
	t.Helper()
	r := ftpd.SendLines(lines)
	var out []byte
	for {
		p := make([]byte, pieces())
		n, err := r.ReadAt(p, int64(len(out)))
		out = append(out, p[:n]...)
		switch {
		case err == io.EOF:
			return string(out)
		case err != nil || n < len(p):
			t.Fatalf("ReadAt = %d of %d, %v", n, len(p), err)
		}
	}
}

// target is a file in memory that can only be appended to.
type target struct{ content []byte }

func (f *target) WriteAt(p []byte, off int64) (int, error) {
	if off != int64(len(f.content)) {
		return 0, errors.New("not the end")
	}
	f.content = append(f.content, p...)
	return len(p), nil
}

// writeConverted returns the content of the file after a client has sent pieces of lines.
func writeConverted(t *testing.T, pieces ...string) string {
	t.Helper()
	f := &target{[]byte("old")}
	w, flush := ftpd.ReceiveLines(f, 3)
	off := int64(1 << 20) // ignored
	for _, p := range pieces {
		if n, err := w.WriteAt([]byte(p), off); n != len(p) || err != nil {
			t.Fatalf("WriteAt = %d of %d, %v", n, len(p), err)
		}
		off += int64(len(p))
	}
	if err := flush(); err != nil {
		t.Fatal(err)
	}
	return string(f.content[3:])
}

func TestLinesAreConverted(t *testing.T) {
	for _, tt := range []struct{ name, here, there string }{
		{"no line", "", ""},
		{"one line without an end", "a", "a"},
		{"one line", "a\n", "a\r\n"},
		{"two lines", "a\nb\n", "a\r\nb\r\n"},
		{"empty lines", "\n\n\n", "\r\n\r\n\r\n"},
		{"a CR in a line", "a\rb\n", "a\rb\r\n"},
		{"a CR at the end", "a\r", "a\r"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := readConverted(t, strings.NewReader(tt.here), func() int { return 10 }); got != tt.there {
				t.Errorf("sent as %q, want %q", got, tt.there)
			}
			if got := writeConverted(t, tt.there); got != tt.here && runtime.GOOS != "windows" {
				t.Errorf("stored as %q, want %q", got, tt.here)
			}
		})
	}
	if got := readConverted(t, strings.NewReader("a\r\nb\r\r\n"), func() int { return 1 }); got != "a\r\nb\r\r\n" {
		t.Errorf("a file with CR LF is sent as %q", got)
	}
}

// words calls f with every word of at most n letters.
func words(letters string, n int, f func(word string)) {
	var grow func(word string)
	grow = func(word string) {
		f(word)
		if len(word) == n {
			return
		}
		for _, c := range letters {
			grow(word + string(c))
		}
	}
	grow("")
}

func TestLinesAreConvertedAcrossReadsAndWrites(t *testing.T) {
	words("a\r\n", 6, func(word string) {
		for size := 1; size <= 2*len(word)+1; size++ {
			for _, from := range []io.Reader{strings.NewReader(word), iotest.OneByteReader(strings.NewReader(word)), iotest.DataErrReader(strings.NewReader(word))} {
				if got := readConverted(t, from, func() int { return size }); got != networkForm(word) {
					t.Fatalf("%q in pieces of %d is sent as %q", word, size, got)
				}
			}
		}
		for cuts := range 1 << max(len(word)-1, 0) { // each bit is a boundary
			pieces := []string{""}
			for i, c := range word {
				if i > 0 && cuts>>(i-1)&1 == 1 {
					pieces = append(pieces, "")
				}
				pieces[len(pieces)-1] += string(c)
			}
			if got := writeConverted(t, pieces...); got != fileForm(word) {
				t.Fatalf("%q is stored as %q", pieces, got)
			}
		}
	})
}

// FuzzLines compares both directions with networkForm and fileForm, for any content in
// pieces of any sizes.
func FuzzLines(f *testing.F) {
	f.Add("a\nb\r\nc\rd", []byte{1, 2, 3})
	f.Add("\r\r\n\n\r", []byte{0})
	f.Add(strings.Repeat("line\n", 2000), []byte{255, 1})
	f.Fuzz(func(t *testing.T, lines string, sizes []byte) {
		i := 0
		size := func() int {
			if len(sizes) == 0 {
				return 7
			}
			i++
			return int(sizes[i%len(sizes)]) + 1
		}
		if got := readConverted(t, strings.NewReader(lines), size); got != networkForm(lines) {
			t.Errorf("%q is sent as %q", lines, got)
		}
		var pieces []string
		for rest := lines; rest != ""; {
			n := min(size(), len(rest))
			pieces = append(pieces, rest[:n])
			rest = rest[n:]
		}
		if got := writeConverted(t, pieces...); got != fileForm(lines) {
			t.Errorf("%q is stored as %q", pieces, got)
		}
	})
}

// shortWriter writes only the first bytes.
type shortWriter struct {
	left int
	err  error
}

func (l *shortWriter) WriteAt(p []byte, _ int64) (int, error) {
	n := min(len(p), l.left)
	l.left -= n
	if n < len(p) {
		return n, l.err
	}
	return n, nil
}

func TestTheConversionReturnsErrorsOfFiles(t *testing.T) {
	r := ftpd.SendLines(io.MultiReader(strings.NewReader("a\nb"), iotest.ErrReader(errFull)))
	p := make([]byte, 10)
	if n, err := r.ReadAt(p, 0); string(p[:n]) != "a\r\nb" || err != errFull {
		t.Errorf("read %q, %v", p[:n], err)
	}
	for _, tt := range []struct {
		name string
		left int
		err  error
		want error
	}{
		{"an error", 2, errFull, errFull},
		{"fewer bytes", 2, nil, io.ErrShortWrite},
	} {
		w, _ := ftpd.ReceiveLines(&shortWriter{tt.left, tt.err}, 0)
		if _, err := w.WriteAt([]byte("a\r\nb\r\n"), 0); err != tt.want {
			t.Errorf("%s: WriteAt = %v, want %v", tt.name, err, tt.want)
		}
		if runtime.GOOS == "windows" {
			continue
		}
		w, flush := ftpd.ReceiveLines(&shortWriter{1, tt.err}, 0)
		if _, err := w.WriteAt([]byte("a\r"), 0); err != nil {
			t.Errorf("%s: WriteAt = %v, want no error yet", tt.name, err)
		}
		if err := flush(); err != tt.want {
			t.Errorf("%s: flush = %v, want %v", tt.name, err, tt.want)
		}
	}
}

// manyLines has all kinds of lines, and is larger than a buffer.
var manyLines = strings.Repeat("line\nCR\rin it\n\n"+strings.Repeat("x", 100)+"\n", 4_000) + "\r"

func TestTransfersOfTypeAAreConverted(t *testing.T) {
	for _, tt := range []struct {
		name     string
		change   func(d *mainDriver)
		kind     string // the command
		converts bool
	}{
		{"TYPE A converts", func(*mainDriver) {}, "TYPE A", true},
		{"TYPE A N converts", func(*mainDriver) {}, "TYPE A N", true},
		{"the default type of the settings converts", func(d *mainDriver) { d.settings.DefaultTransferType = 0 }, "NOOP", true},
		{"TYPE I does not", func(d *mainDriver) { d.settings.DefaultTransferType = 0 }, "TYPE I", false},
		{"TYPE L 8 does not", func(d *mainDriver) { d.settings.DefaultTransferType = 0 }, "TYPE L 8", false},
		{"DisableASCIIConversion does not", func(d *mainDriver) { d.settings.DisableASCIIConversion = true }, "TYPE A", false},
	} {
		for _, place := range []string{"in memory", "in a directory", "behind GetHandle"} {
			t.Run(tt.name+" "+place, func(t *testing.T) {
				d := &mainDriver{settings: binary}
				tt.change(d)
				var fsys afero.Fs
				switch place {
				case "in memory":
					d.client = tree(t)
					fsys = d.client
				case "in a directory":
					d.client = afero.NewBasePathFs(afero.NewOsFs(), nettest.TempDir(t))
					fsys = d.client
				default:
					h := newHandles(t)
					d.client, fsys = h, h.Fs
				}
				s := run(t, d, nil)
				c := s.login()
				c.want(200, tt.kind)
				wantMethod := func(fast sendfile.Method) {
					t.Helper()
					if tt.converts || place != "in a directory" || !hasSendfile {
						fast = sendfile.Copy
					}
					if x := s.transfer(); x.Method != fast || x.Err != nil {
						t.Errorf("%s used %v, %v, want %v", x.Op, x.Method, x.Err, fast)
					}
				}
				there, here := networkForm(manyLines), manyLines
				if tt.converts {
					here = fileForm(there)
				} else {
					there = here
				}
				c.put(epsv, "STOR up", strings.NewReader(there))
				wantMethod(sendfile.Splice)
				c.put(epsv, "APPE up", strings.NewReader(there))
				wantMethod(sendfile.Copy) // splice(2) refuses a file opened with O_APPEND
				if got := readAll(t, fsys, "/up"); got != here+here {
					t.Errorf("the file has %d bytes, want %d", len(got), 2*len(here))
				}
				if got := c.get(epsv, "RETR up"); got != there+there {
					t.Errorf("got %d bytes, want %d", len(got), 2*len(there))
				}
				wantMethod(sendfile.Sendfile)
				if got := c.get(epsv, "NLST up"); got != "up\r\n" {
					t.Errorf("NLST = %q", got)
				}
				wantNothingHidden(t, fsys, "/")
			})
		}
	}
}

func TestAServerWithoutADriverConvertsNothing(t *testing.T) {
	s := start(t, nil)
	c := s.login()
	c.want(200, "TYPE A")
	c.put(epsv, "STOR f", strings.NewReader("a\r\nb\n"))
	if got := c.get(epsv, "RETR f"); got != "a\r\nb\n" || s.content("f") != got {
		t.Errorf("got %q", got)
	}
	c.want(213, "SIZE f")
	c.want(350, "REST 2")
}

func TestOffsetsAreRefusedWithConvertedLines(t *testing.T) {
	for off, want := range map[bool]map[string]int{
		false: {"SIZE f": 550, "REST 2": 501, "RANG 2 3": 501},
		true:  {"SIZE f": 213, "REST 2": 350, "RANG 2 3": 350},
	} {
		d := &mainDriver{client: tree(t), settings: binary}
		d.settings.DisableASCIIConversion = off
		c := run(t, d, nil).login()
		for line, refused := range want {
			c.want(200, "TYPE A")
			c.want(refused, line)
			c.want(200, "TYPE I")
			if strings.HasPrefix(line, "SIZE") {
				c.want(213, line)
			} else {
				c.want(350, line)
			}
		}
	}
}

// The client counts unconverted bytes, so the offset would be wrong.
func TestAnOffsetSetBeforeTypeAIsRefused(t *testing.T) {
	for _, client := range []func(t *testing.T) afero.Fs{tree, func(t *testing.T) afero.Fs { return newHandles(t) }} {
		s := run(t, &mainDriver{client: client(t), settings: binary}, nil)
		c := s.login()
		for set, lines := range map[string][]string{"REST 2": {"RETR f", "STOR f", "STOU f"}, "RANG 2 3": {"RETR f"}} {
			for _, line := range lines {
				c.want(200, "TYPE I")
				c.want(350, set)
				c.want(200, "TYPE A")
				c.passive(epsv)
				if text := c.want(550, line); !strings.Contains(text, "send TYPE I") {
					t.Errorf("%s after %s: got %q", line, set, text)
				}
				if x := s.transfer(); x.Outcome.String() != "cut" {
					t.Errorf("got %v, %v", x.Outcome, x.Err)
				}
				if got := c.get(epsv, "RETR f"); got != "hello\r\n" { // the offset was dropped
					t.Errorf("got %q", got)
				}
				s.transfer()
			}
		}
	}
}

func TestAConvertedUploadThatBreaksOffIsNotKept(t *testing.T) {
	for kind, isKept := range map[string]bool{"TYPE A": false, "TYPE I": true} {
		t.Run(kind, func(t *testing.T) {
			memory := tree(t)
			s := run(t, &mainDriver{client: memory, settings: binary}, nil)
			c := s.login()
			c.want(200, kind)
			conn := c.data(epsv, "STOR up")
			if _, err := io.WriteString(conn, strings.Repeat("a line\r\n", 100_000)); err != nil {
				t.Fatal(err)
			}
			waitFor(t, "the bytes to arrive", func() bool { return hasHiddenFile(memory, 256<<10) })
			text := c.want(426, "ABOR")
			c.expect(226, "ABOR")
			if x := s.transfer(); (x.Kept > 0) != isKept || strings.Contains(text, "REST") != isKept {
				t.Errorf("%d bytes are kept, the reply is %q", x.Kept, text)
			}
			if !isKept {
				wantNothingHidden(t, memory, "/")
				c.want(200, "TYPE I")
				c.want(550, "SIZE up")
			}
		})
	}
}

func TestAHandleThatFailsDuringAConversionGetsTransferError(t *testing.T) {
	for _, tt := range []struct{ name, fail, line, up, want string }{
		{"read", "read", "RETR f", "", "451 No more room"},
		{"write", "write", "STOR f", "a\r\n", "451 No more room"},
		{"write of the last CR", "write", "STOR f", "\r", "451 No more room"},
		{"short write", "short", "STOR f", "a\r\n", "451 Short write"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if runtime.GOOS == "windows" && tt.up == "\r" {
				t.Skip("no conversion on this system")
			}
			h := newHandles(t)
			h.fail, h.err = tt.fail, errFull
			s, c := loginTo(t, h)
			c.want(200, "TYPE A")
			conn := c.connect(c.passive(epsv))
			c.send(tt.line)
			_, _ = io.WriteString(conn, tt.up)
			_ = conn.CloseWrite()
			c.expect(150, tt.line)
			if text := c.expect(451, tt.line); text != tt.want {
				t.Errorf("got %q", text)
			}
			if calls := h.log(); !strings.HasSuffix(calls, "0; TransferError; Close") {
				t.Errorf("called %s", calls)
			}
			if x := s.transfer(); x.Err == nil || x.Outcome.String() != "file" || tt.fail != "short" && !errors.Is(x.Err, errFull) {
				t.Errorf("got %v, %v", x.Outcome, x.Err)
			}
		})
	}
}

func TestChecksumsAreOfTheUnconvertedFile(t *testing.T) {
	_, c := loginTo(t, tree(t))
	c.want(200, "TYPE A")
	if got := c.want(250, "XMD5 f"); got != "250 B1946AC92492D2347C6235B4D2611184" {
		t.Errorf("got %q", got)
	}
}

func TestConvertedLinesInTLSAndByPORT(t *testing.T) {
	d := &mainDriver{client: tree(t), settings: binary, config: always(testCertificate())}
	s := run(t, d, nil)
	c := s.login()
	c.want(200, "TYPE A")
	for _, m := range []mode{port, eprt} {
		if got := c.get(m, "RETR f"); got != "hello\r\n" {
			t.Errorf("%s: got %q", m, got)
		}
	}
	secure := s.secure(trust(0))
	secure.want(200, "TYPE A")
	if got, err := io.ReadAll(secure.begin("RETR f", secure.config)); string(got) != "hello\r\n" || err != nil {
		t.Errorf("in TLS: got %q, %v", got, err)
	}
	secure.expect(226, "RETR")
}
