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

func TestStraceSeesDownloadsGoBySendfileAlone(t *testing.T) {
	const size = 32 << 20
	downloads := []struct {
		file, scheme string
		flags        []string
	}{
		{"whole.zip", "http", nil}, // of a type that is known without a look inside
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

func TestStraceSeesTheRoadOfUploadsThatIsLogged(t *testing.T) {
	const size = 8 << 20
	for _, flags := range [][]string{nil, {"--method", "copy"}} {
		t.Run(fmt.Sprint(flags), func(t *testing.T) {
			s, finish := startTraced(t, flags...)
			up := filepath.Join(t.TempDir(), "up")
			writePattern(t, up, size)
			curl(t, filepath.Dir(up), "-u", login, "-T", "up", s.urlOf("ftp", "f"))
			wantPattern(t, s.path("f"), 0, size)

			moved := movedBy(t, finish(), s.path(".f.")) // the name that it has until it is whole
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

// startTraced is startWritable under strace. What it returns beside the server
// ends it and returns the system calls about files and descriptors that it
// made.
func startTraced(t *testing.T, flags ...string) (s *server, finish func() []call) {
	t.Helper()
	needs(t, "strace")
	dir, err := filepath.EvalSymlinks(t.TempDir()) // strace prints real paths
	if err != nil {
		t.Fatal(err)
	}
	trace := filepath.Join(t.TempDir(), "trace")
	// -D makes strace the child of the program instead of its parent, so that
	// signals and the exit status are the program's; -y prints paths beside
	// the numbers of descriptors.
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

// call is one line of strace.
type call struct {
	name   string
	text   string // the line without its thread
	result int64  // -1 if it failed
}

var (
	lineOf     = regexp.MustCompile(`^(\d+) +(.*)$`)                    // thread, and the rest
	resumption = regexp.MustCompile(`^<\.\.\. \w+ resumed>(.*)$`)       // the rest of a call
	wholeCall  = regexp.MustCompile(`^(\w+)\(.*\) += (-?\d+|\?)(\D|$)`) // name and result
)

// parseTrace parses the output of strace -f. Calls that strace tells in two
// lines, because those of other threads came between, are put together.
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

// harmless are the system calls that move no content of a file.
var harmless = map[string]bool{
	"flock": true,
	"fstat": true, "newfstatat": true, "statx": true, "fcntl": true, "epoll_ctl": true,
	"lseek": true, "fchmod": true, "fsync": true, "fdatasync": true,
}

// movedBy returns how many bytes each system call has moved to or from the
// file that path begins with. It expects that the file was opened, and closed
// as often. Descriptors are told apart by the path beside them, as their
// numbers serve for many files.
func movedBy(t *testing.T, calls []call, path string) map[string]int64 {
	t.Helper()
	moved := make(map[string]int64)
	opened, closed := 0, 0
	for _, c := range calls {
		switch {
		case !strings.Contains(c.text, "<"+path) || harmless[c.name]:
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
