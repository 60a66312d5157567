//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestStraceSeesDownloadsBySendfileOnly(t *testing.T) {
	const size = 32 << 20
	downloads := []struct {
		file, scheme string
		flags        []string
	}{
		{"whole.zip", "http", nil}, // the type is known by the name, so the server need not read the file for it
		{"passive.zip", "ftp", nil},
		{"active.zip", "ftp", []string{"-P", "-"}},
	}
	s, finish := startTraced(t)
	for _, tt := range downloads {
		s.file(tt.file, size)
		dir := t.TempDir()
		curl(t, dir, append(tt.flags, "-o", "got", s.urlOf(tt.scheme, tt.file))...)
		wantPattern(t, filepath.Join(dir, "got"), 0, size)
		s.wantLogged("msg="+tt.scheme, "method=sendfile", fmt.Sprintf("bytes=%d", size))
	}
	calls := finish()
	for _, tt := range downloads {
		want := map[string]int64{"sendfile": size}
		if diff := cmp.Diff(want, movedBy(t, calls, s.path(tt.file))); diff != "" {
			t.Errorf("%s over %s: bytes by system call (-want +got):\n%s", tt.file, tt.scheme, diff)
		}
	}
}

func TestStraceSeesTheLoggedMethodOfUploads(t *testing.T) {
	const size = 8 << 20
	for _, flags := range [][]string{nil, {"--method", "copy"}} {
		t.Run(fmt.Sprint(flags), func(t *testing.T) {
			s, finish := startTraced(t, flags...)
			up := filepath.Join(t.TempDir(), "up")
			writePattern(t, up, size)
			curl(t, filepath.Dir(up), "-u", login, "-T", "up", s.urlOf("ftp", "f"))
			wantPattern(t, s.path("f"), 0, size)

			moved := movedBy(t, finish(), s.path(".f.")) // prefix of the hidden name until the upload is complete
			switch {
			case moved["splice"] == size && len(moved) == 1:
				s.wantLogged("op=STOR", "method=splice")
			case moved["write"]+moved["pwrite64"] == size && moved["splice"] == 0:
				s.wantLogged("op=STOR", "method=copy")
			default:
				t.Errorf("bytes by system call: %v, want %d by one method; log:\n%s", moved, size, s.log)
			}
		})
	}
}

// startTraced is startWritable under strace. finish ends the server and returns its
// system calls on files and descriptors.
func startTraced(t *testing.T, flags ...string) (s *server, finish func() []call) {
	t.Helper()
	needs(t, "strace")
	dir, err := filepath.EvalSymlinks(t.TempDir()) // strace prints real paths
	if err != nil {
		t.Fatal(err)
	}
	trace := filepath.Join(t.TempDir(), "trace")
	// -D makes strace a child of the program instead of its parent, so signals and the
	// exit status are those of the program. -y prints the path of each descriptor.
	strace := []string{"strace", "-D", "-f", "-y", "-s", "0", "-e", "trace=%file,%desc", "-o", trace}
	s = startUnder(t, strace, dir, append([]string{"--user", login, "--write"}, flags...)...)
	return s, func() []call {
		t.Helper()
		s.signal(syscall.SIGTERM)
		s.wantExit(patience)
		text, err := os.ReadFile(trace)
		if err != nil {
			t.Fatal(err)
		}
		return parseTrace(string(text))
	}
}

// call is a system call in the output of strace.
type call struct {
	name   string
	text   string // the line without the thread ID
	result int64  // -1 if the call failed
}

var (
	lineOf     = regexp.MustCompile(`^(\d+) +(.*)$`)                    // thread, and the rest
	resumption = regexp.MustCompile(`^<\.\.\. \w+ resumed>(.*)$`)       // the rest of a call
	wholeCall  = regexp.MustCompile(`^(\w+)\(.*\) += (-?\d+|\?)(\D|$)`) // name and result
)

// parseTrace parses the output of strace -f. It joins calls that strace prints in two
// lines because calls of other threads came between.
func parseTrace(text string) (calls []call) {
	unfinished := make(map[string]string) // by thread
	for line := range strings.Lines(text) {
		m := lineOf.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if m == nil {
			continue
		}
		thread, rest := m[1], m[2]
		if begin, ok := strings.CutSuffix(rest, "<unfinished ...>"); ok {
			unfinished[thread] = begin
			continue
		}
		if m := resumption.FindStringSubmatch(rest); m != nil {
			rest = unfinished[thread] + m[1]
		}
		if m := wholeCall.FindStringSubmatch(rest); m != nil {
			result, err := strconv.ParseInt(m[2], 10, 64)
			if err != nil {
				result = -1
			}
			calls = append(calls, call{name: m[1], text: rest, result: result})
		}
	}
	return calls
}

// noContent are the system calls that move no content of a file.
var noContent = map[string]bool{
	"flock": true,
	"fstat": true, "fstatfs": true, "newfstatat": true, "statx": true, "fcntl": true, "epoll_ctl": true,
	"lseek": true, "fchmod": true, "fsync": true, "fdatasync": true,
}

// movedBy returns how many bytes each system call has moved to or from files whose
// paths begin with path. It checks that they were opened, and closed as often. It
// identifies descriptors by their paths, because numbers are reused.
func movedBy(t *testing.T, calls []call, path string) map[string]int64 {
	t.Helper()
	moved := make(map[string]int64)
	opened, closed := 0, 0
	for _, c := range calls {
		switch {
		case !strings.Contains(c.text, "<"+path) || noContent[c.name]:
		case c.name == "preadv2" && c.result <= 1: // asks whether a byte is in memory, see package residence
		case strings.HasPrefix(c.name, "open"):
			opened++
		case c.name == "close":
			closed++
		default:
			moved[c.name] += max(c.result, 0)
		}
	}
	if opened == 0 || opened != closed {
		t.Errorf("%s was opened %d times and closed %d times", path, opened, closed)
	}
	return moved
}
