package control_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"sluice/ftpd/internal/control"
)

// read feeds bytes to an Input in pieces of size, and returns the lines. A line that fails
// is "!" and the error.
func read(t testing.TB, bytes []byte, size int, trusted bool) (lines []string) {
	t.Helper()
	var in control.Input
	if trusted {
		in.Trust()
	}
	for len(bytes) > 0 {
		room := in.Room()
		if len(room) == 0 {
			t.Fatal("Room is empty")
		}
		n := copy(room, bytes[:min(size, len(bytes))])
		in.Add(n)
		bytes = bytes[n:]
		for {
			line, ok, err := in.Next()
			if !ok {
				break
			}
			if err != nil {
				line = "!" + err.Error()
			}
			lines = append(lines, line)
			if errors.Is(err, control.ErrForeign) || errors.Is(err, control.ErrBinary) {
				return lines
			}
		}
	}
	return lines
}

func TestInputReturnsOnlyWholeLines(t *testing.T) {
	long := "CWD " + strings.Repeat("x", control.MaxLine-6)
	tooLong, nul, foreign := "!"+control.ErrTooLong.Error(), "!"+control.ErrNUL.Error(), "!"+control.ErrForeign.Error()
	for _, tt := range []struct {
		name, in string
		want     []string
	}{
		{"nothing", "", nil},
		{"a line", "PWD\r\n", []string{"PWD"}},
		{"a line without CR", "PWD\n", []string{"PWD"}},
		{"two lines", "CWD a\r\nPWD\r\n", []string{"CWD a", "PWD"}},
		{"an empty line", "\r\n", []string{""}},
		{"a line and a part of one", "PWD\r\nDELE victim", []string{"PWD"}},
		{"a part of a line", "DELE victim", nil},
		{"a line that lacks LF", "DELE victim\r", nil},
		{"the longest line", long + "\r\n", []string{long}},
		{"a line that is too long, and another", long + "x\r\nPWD\r\n", []string{tooLong, "PWD"}},
		{"a command in the tail of a line that is too long", strings.Repeat("x", control.MaxLine) + "DELE f\r\n", []string{tooLong}},
		{"a line before one that is too long", "PWD\r\n" + long + "x\r\nCDUP\r\n", []string{"PWD", tooLong, "CDUP"}},
		{"a NUL", "DELE victim\x00.txt\r\nPWD\r\n", []string{nul, "PWD"}},
		{"a carriage return in a name", "DELE a\r\x00b\r\n", []string{"DELE a\rb"}},
		{"an escaped byte 255", "DELE a\xff\xffb\r\n", []string{"DELE a\xffb"}},
		{"a byte 255 of a name", "DELE \xffb\xff\r\n", []string{"DELE \xffb\xff"}},
		{"bytes of a name that are Telnet commands", "STOR \xff\xf1\xed\xee.txt\r\n", []string{"STOR \xff\xf1\xed\xee.txt"}},
		{"a name that ends like a command of Telnet", "STOR a\xff\xf4\r\n", []string{"STOR a\xff\xf4"}},
		{"a Telnet command in a word", "NO\xff\xf1OP\r\n", []string{"NOOP"}},
		{"Telnet's Synch", "\xff\xf4\xff\xf2PWD\r\n", []string{"PWD"}},
		{"the rest of a Synch", "\xf2PWD\r\n", []string{"PWD"}},
		{"an option of Telnet", "\xff\xfd\x06PWD\r\n", []string{"PWD"}},
		{"HTTP", "GET / HTTP/1.1\r\nPWD\r\n", []string{foreign}},
		{"SSH", "SSH-2.0-x\r\nPWD\r\n", []string{foreign}},
		{"TLS", "\x16\x03\x01\nPWD\r\n", []string{"!" + control.ErrBinary.Error()}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, size := range []int{1, 2, 3, 7, 1000, 1 << 20} {
				if got := read(t, []byte(tt.in), size, false); !slices.Equal(got, tt.want) {
					t.Errorf("in pieces of %d: got %.60q, want %.60q", size, got, tt.want)
				}
			}
		})
	}
}

func TestATrustedClientMaySendLinesOfOtherProtocols(t *testing.T) {
	if got, want := read(t, []byte("GET / HTTP/1.1\r\n\x16x\r\n"), 5, true), []string{"GET / HTTP/1.1", "\x16x"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzInput(f *testing.F) {
	f.Add([]byte("USER u\r\nPASS x\r\nDELE victim"), 3, true)
	f.Add([]byte("\n\n\r\n\x00\xff\xf4ABOR\r\n"), 1, false)
	f.Add(bytes.Repeat([]byte("x"), 5000), 4096, true)
	f.Add([]byte("dele a\r\x00\xff\xff\xff\xfb\x01b\r\nRETR f\r\n"), 7, false)
	f.Fuzz(func(t *testing.T, in []byte, size int, trusted bool) {
		size = 1 + int(uint(size)%5000)
		got := read(t, in, size, trusted)
		for _, line := range got {
			if strings.ContainsAny(line, "\n\x00") || len(line) >= control.MaxLine {
				t.Errorf("the line %q", line)
			}
			name, arg := control.Split(line)
			if strings.ContainsAny(name, " abcdefghijklmnopqrstuvwxyz") || len(name)+len(arg) > len(line) {
				t.Errorf("%q is %q and %q", line, name, arg)
			}
		}
		if whole := read(t, in, 1<<20, trusted); !slices.Equal(got, whole) {
			t.Errorf("in pieces of %d: %q, in one: %q", size, got, whole)
		}
	})
}

func TestAQueueIsFullAtItsCapacity(t *testing.T) {
	var q control.Queue
	if !q.IsEmpty() || q.IsFull() {
		t.Error("a new queue is full, or not empty")
	}
	for _, line := range []string{"short", strings.Repeat("x", control.MaxLine-1)} {
		n := 0
		for ; !q.IsFull(); n++ {
			q.Push(line)
		}
		if n < 2 || n > 64 {
			t.Errorf("%d lines of %d bytes fill it", n, len(line))
		}
		for ; n > 0; n-- {
			if got, ok := q.Pop(); got != line || !ok {
				t.Errorf("Pop = %.20q, %v", got, ok)
			}
		}
		if _, ok := q.Pop(); ok || q.IsFull() {
			t.Error("the empty queue has a line, or is full")
		}
	}
}
