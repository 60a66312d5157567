package ftpd_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"
	"time"

	ftpserver "github.com/fclairamb/ftpserverlib"
	"github.com/spf13/afero"

	"sluice/internal/nettest"
	"sluice/sendfile"
)

// Each of these is a client's driver with one extension.
type (
	allocator struct {
		afero.Fs
		do func(size int) error
	}
	linker struct {
		afero.Fs
		do func(target, name string) error
	}
	lister struct {
		afero.Fs
		do func(name string) ([]os.FileInfo, error)
	}
	dirRemover struct {
		afero.Fs
		do func(name string) error
	}
	hasher struct {
		afero.Fs
		do func(name string, algorithm ftpserver.HASHAlgo, start, end int64) (string, error)
	}
	spacer struct {
		afero.Fs
		do func(dir string) (int64, error)
	}
	siter struct {
		afero.Fs
		do func(param string) *ftpserver.AnswerCommand
	}
)

func (x allocator) AllocateSpace(size int) error             { return x.do(size) }
func (x linker) Symlink(target, name string) error           { return x.do(target, name) }
func (x lister) ReadDir(name string) ([]os.FileInfo, error)  { return x.do(name) }
func (x dirRemover) RemoveDir(name string) error             { return x.do(name) }
func (x spacer) GetAvailableSpace(dir string) (int64, error) { return x.do(dir) }
func (x siter) Site(param string) *ftpserver.AnswerCommand   { return x.do(param) }
func (x hasher) ComputeHash(name string, algorithm ftpserver.HASHAlgo, start, end int64) (string, error) {
	return x.do(name, algorithm, start, end)
}

// loginTo serves fsys as a ClientDriver, and logs in.
func loginTo(t *testing.T, fsys afero.Fs) (*server, *client) {
	t.Helper()
	d := &mainDriver{client: fsys, settings: binary}
	d.settings.EnableHASH = true
	s := run(t, d, nil)
	return s, s.login()
}

// calls records the arguments of the calls of an extension.
type calls []string

func (a *calls) note(format string, args ...any) { *a = append(*a, fmt.Sprintf(format, args...)) }

// step is a command, its reply, and the calls of the extension.
type step struct {
	line  string
	reply string // its beginning
	calls string // "": none
}

// play sends the commands and checks the replies and the calls, which the extension
// records in a.
func (c *client) play(a *calls, steps []step) {
	c.t.Helper()
	for _, s := range steps {
		*a = nil
		text := c.want(code(s.reply), s.line)
		if !strings.HasPrefix(text, s.reply) {
			c.t.Errorf("%s: got %q, want %q", s.line, text, s.reply)
		}
		if got := strings.Join(*a, "; "); got != s.calls {
			c.t.Errorf("%s: calls of the driver: %q, want %q", s.line, got, s.calls)
		}
	}
}

// tree returns a file system in memory with the file /f, "hello\n", and the empty file
// /d/g.
func tree(t *testing.T) afero.Fs {
	t.Helper()
	memory := memoryOf(t, "/f", "hello\n")
	if err := afero.WriteFile(memory, "/d/g", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	return memory
}

var errFull = errors.New("no more room")

func TestALLOCallsTheDriver(t *testing.T) {
	var a calls
	_, c := loginTo(t, allocator{tree(t), func(size int) error {
		a.note("%d", size)
		if size > 1000 {
			return errFull
		}
		return nil
	}})
	c.play(&a, []step{
		{"ALLO 1000", "200 Reserved", "1000"},
		{"ALLO 10 R 80", "200 Reserved", "10"},
		{"ALLO 1001", "550 No more room", "1001"},
		{"ALLO -1", "501 ", ""},
		{"ALLO x", "501 ", ""},
	})
	_, c = loginTo(t, tree(t))
	c.play(&a, []step{{"ALLO 1001", "200 Nothing needs", ""}})
}

func TestSITESYMLINKCallsTheDriver(t *testing.T) {
	var a calls
	_, c := loginTo(t, linker{tree(t), func(target, name string) error {
		a.note("%s, %s", target, name)
		if name == "/f" {
			return fs.ErrExist
		}
		return nil
	}})
	c.play(&a, []step{
		{"SITE SYMLINK f l", "200 ", "/f, /l"},
		{"CWD d", "250 ", ""},
		{"SITE SYMLINK ../nowhere g", "200 ", "/nowhere, /d/g"},
		{`SITE SYMLINK "a b" "c d"`, "200 ", "/d/a b, /d/c d"},
		{"SITE SYMLINK g /f", "550 File already exists", "/d/g, /f"},
		{"SITE SYMLINK g", "501 ", ""},
		{"SITE SYMLINK", "501 ", ""},
	})
	_, c = loginTo(t, tree(t))
	c.play(&a, []step{{"SITE SYMLINK f l", "504 ", ""}})
	_, c = loginTo(t, rootOf(t, map[string]string{"f": "hello\n"}))
	c.play(&a, []step{{"SITE SYMLINK f l", "200 ", ""}, {"SIZE l", "213 6", ""}, {"SITE SYMLINK nowhere k", "550 ", ""}})
}

func TestAVBLCallsTheDriver(t *testing.T) {
	var a calls
	_, c := loginTo(t, spacer{tree(t), func(dir string) (int64, error) {
		a.note("%s", dir)
		if dir == "/d" {
			return 0, errFull
		}
		return 1 << 40, nil
	}})
	c.play(&a, []step{
		{"AVBL", "213 1099511627776", "/"},
		{"AVBL /", "213 1099511627776", "/"},
		{"AVBL d", "550 No more room", "/d"},
		{"AVBL f", "550 Not a directory", ""},
		{"AVBL missing", "550 No such file", ""},
		{"FEAT", "211-Features:", ""},
	})
	if !c.offers("AVBL") {
		t.Error("FEAT does not list it")
	}
	_, c = loginTo(t, tree(t))
	c.play(&a, []step{{"AVBL", "504 ", ""}})
	if c.offers("AVBL") {
		t.Error("FEAT lists it without the extension")
	}
}

// removing calls do for each Remove.
type removing struct {
	afero.Fs
	do func(name string)
}

func (r removing) Remove(name string) error {
	r.do(name)
	return r.Fs.Remove(name)
}

func TestRMDCallsTheDriver(t *testing.T) {
	var a calls
	memory := removing{tree(t), func(name string) { a.note("Remove %s", name) }}
	_, c := loginTo(t, dirRemover{memory, func(name string) error {
		a.note("RemoveDir %s", name)
		if name == "/f" {
			return errFull
		}
		return memory.RemoveAll(name)
	}})
	c.play(&a, []step{
		{"RMD d", "250 ", "RemoveDir /d"}, // although it is not empty
		{"RMD f", "550 No more room", "RemoveDir /f"},
		{"XRMD /f", "550 No more room", "RemoveDir /f"},
		{"DELE f", "250 ", "Remove /f"},
		{"RMD /", "550 ", ""},
	})
	_, c = loginTo(t, removing{tree(t), memory.do})
	c.play(&a, []step{
		{"RMD d", "550 ", ""},
		{"DELE d/g", "250 ", "Remove /d/g"},
		{"RMD d", "250 ", "Remove /d"},
	})
}

func TestHASHCallsTheDriver(t *testing.T) {
	var a calls
	_, c := loginTo(t, hasher{tree(t), func(name string, algorithm ftpserver.HASHAlgo, start, end int64) (string, error) {
		a.note("%s %d %d-%d", name, algorithm, start, end)
		if start == 3 {
			return "", errFull
		}
		return "c0ffee", nil
	}})
	c.play(&a, []step{
		{"HASH f", "213 SHA-256 0-5 c0ffee f", "/f 3 0-6"},
		{"HASH d/g", "213 SHA-256 0-0 c0ffee d/g", "/d/g 3 0-0"},
		{"RANG 1 3", "350 ", ""},
		{"HASH f", "213 SHA-256 1-3 c0ffee f", "/f 3 1-4"},
		{"OPTS HASH CRC32", "200 CRC32", ""},
		{"HASH f", "213 CRC32 0-5 c0ffee f", "/f 0 0-6"},
		{"XCRC f", "250 C0FFEE", "/f 0 0-6"},
		{"XMD5 f", "250 C0FFEE", "/f 1 0-6"},
		{"MD5 f", "250 C0FFEE", "/f 1 0-6"},
		{"XSHA f", "250 C0FFEE", "/f 2 0-6"},
		{"XSHA1 f 1", "250 C0FFEE", "/f 2 1-6"},
		{"XSHA256 f 1 2", "250 C0FFEE", "/f 3 1-2"},
		{"XSHA512 f 0 6", "250 C0FFEE", "/f 4 0-6"},
		{"XSHA512 f 0 7", "501 ", ""},
		{"XSHA512 f 3", "550 No more room", "/f 4 3-6"},
		{"HASH d", "550 ", ""},
		{"HASH missing", "550 No such file", ""},
	})
	_, c = loginTo(t, tree(t))
	c.play(&a, []step{{"XMD5 f", "250 B1946AC92492D2347C6235B4D2611184", ""}})
}

func TestSITECallsTheDriver(t *testing.T) {
	var a calls
	memory := tree(t)
	_, c := loginTo(t, siter{memory, func(param string) *ftpserver.AnswerCommand {
		a.note("%s", param)
		switch name, _, _ := strings.Cut(param, " "); name {
		case "INDEX":
			return &ftpserver.AnswerCommand{Code: 214, Message: "one\ntwo"}
		case "NO":
			return &ftpserver.AnswerCommand{Code: 500, Message: "no"}
		case "NOTHING":
			return &ftpserver.AnswerCommand{}
		case "MORE":
			return &ftpserver.AnswerCommand{Code: 150, Message: "wait"}
		}
		return nil
	}})
	c.play(&a, []step{
		{"SITE INDEX  of all ", "214-one\r\n214 two", "INDEX  of all "},
		{"SITE no", "504 ", "no"},
		{"SITE NO", "500 no", "NO"},
		{"SITE NOTHING", "500 The driver has returned no valid reply", "NOTHING"},
		{"SITE MORE", "500 The driver has returned no valid reply", "MORE"},
		{"SITE CHMOD 600 f", "200 ", "CHMOD 600 f"},
		{"SITE HELP", "214-Commands:", "HELP"},
	})
	_, c = loginTo(t, memory)
	c.play(&a, []step{{"SITE INDEX", "504 ", ""}})
	for _, name := range []string{"CHOWN", "MKDIR", "RMDIR"} {
		if text := c.want(214, "HELP SITE"); !strings.Contains(text, name) {
			t.Errorf("%s is missing in %q", name, text)
		}
	}
}

// owning calls do for each Chown.
type owning struct {
	afero.Fs
	do func(name string, uid, gid int) error
}

func (o owning) Chown(name string, uid, gid int) error { return o.do(name, uid, gid) }

func TestSITECommandsOfTheLibraryCallTheFileSystem(t *testing.T) {
	var a calls
	memory := tree(t)
	_, c := loginTo(t, owning{memory, func(name string, uid, gid int) error {
		a.note("%s %d %d", name, uid, gid)
		if uid == 7 {
			return errFull
		}
		return nil
	}})
	c.play(&a, []step{
		{"SITE CHOWN 1000:500 f", "200 ", "/f 1000 500"},
		{"SITE CHOWN 1000 d/g", "200 ", "/d/g 1000 0"},
		{"SITE CHOWN 7:8 f", "550 No more room", "/f 7 8"},
		{"SITE CHOWN 1000 missing", "550 ", ""},
		{"SITE CHOWN root f", "501 ", ""},
		{"SITE CHOWN 1000:staff f", "501 ", ""},
		{"SITE CHOWN 1000", "501 ", ""},
		{"SITE MKDIR a/b/c", "250 ", ""},
		{"CWD a/b/c", "250 ", ""},
		{"SITE RMDIR /a/b", "550 Is the current directory", ""},
		{"CWD /", "250 ", ""},
		{"SITE RMDIR a", "250 ", ""},
		{"CWD a", "550 ", ""},
		{"SITE RMDIR /", "550 ", ""},
		{"SITE MKDIR", "501 ", ""},
		{"SITE RMDIR", "501 ", ""},
	})
}

// timing calls do for each Chtimes.
type timing struct {
	afero.Fs
	do func(name string, read, changed time.Time)
}

func (f timing) Chtimes(name string, read, changed time.Time) error {
	f.do(name, read, changed)
	return f.Fs.Chtimes(name, read, changed)
}

func TestTheDriverGetsBothTimesOfMFMT(t *testing.T) {
	var a calls
	_, c := loginTo(t, timing{tree(t), func(name string, read, changed time.Time) {
		a.note("%s %s %s", name, read.Format(time.DateTime), changed.Format(time.DateTime))
	}})
	c.play(&a, []step{{"MFMT 20200102030405 f", "213 Modify=20200102030405; f", "/f 2020-01-02 03:04:05 2020-01-02 03:04:05"}})
}

// entry is an os.FileInfo of a driver's own.
type entry struct {
	name string
	mode fs.FileMode
}

func (e entry) Name() string       { return e.name }
func (e entry) Size() int64        { return 7 }
func (e entry) Mode() fs.FileMode  { return e.mode }
func (e entry) ModTime() time.Time { return aDay }
func (e entry) IsDir() bool        { return e.mode.IsDir() }
func (e entry) Sys() any           { return nil }

func TestListingsCallTheDriver(t *testing.T) {
	var a calls
	_, c := loginTo(t, lister{tree(t), func(name string) ([]os.FileInfo, error) {
		a.note("%s", name)
		switch name {
		case "/d":
			return nil, errFull
		case "/":
			return []os.FileInfo{
				entry{"z", 0o644}, nil, entry{"a", fs.ModeDir | 0o755}, entry{"pipe", fs.ModeNamedPipe | 0o666},
				entry{"f", fs.ModeSymlink | 0o777}, entry{"dangling", fs.ModeSymlink | 0o777},
			}, io.EOF
		}
		return nil, nil
	}})
	for _, tt := range []struct{ line, want string }{
		{"NLST", "a\r\ndangling\r\nf\r\npipe\r\nz\r\n"}, {"NLST /", "/a\r\n/dangling\r\n/f\r\n/pipe\r\n/z\r\n"}, {"NLST z*", "z\r\n"},
	} {
		a = nil
		if got := c.get(epsv, tt.line); got != tt.want || len(a) != 1 || a[0] != "/" {
			t.Errorf("%s: got %q, calls of the driver: %v", tt.line, got, a)
		}
	}
	got := c.get(epsv, "LIST")
	for _, line := range []string{
		"drwxr-xr-x 1 ftp      ftp                 0 Feb 29  2024 a", "lrwxrwxrwx 1 ftp      ftp                 0 Feb 29  2024 dangling",
		"lrwxrwxrwx 1 ftp      ftp                 0 Feb 29  2024 f", "prw-rw-rw- 1 ftp      ftp                 0 Feb 29  2024 pipe",
		"-rw-r--r-- 1 ftp      ftp                 7 Feb 29  2024 z",
	} {
		if !strings.Contains(got, line+"\r\n") {
			t.Errorf("LIST: got %q, without %q", got, line)
		}
	}
	c.want(200, "OPTS MLST type;size;")
	const facts = "type=cdir; .\r\ntype=dir; a\r\ntype=OS.unix=slink; dangling\r\ntype=file;size=6; f\r\ntype=OS.unix=fifo; pipe\r\ntype=file;size=7; z\r\n"
	if got := c.get(epsv, "MLSD"); got != facts {
		t.Errorf("MLSD: got %q, want %q", got, facts)
	}
	a = nil
	c.play(&a, []step{{"STAT /", "212-Status of /", "/"}, {"STAT d", "550 No more room", "/d"}})
	for _, line := range []string{"LIST d", "NLST d", "MLSD d"} {
		c.passive(epsv)
		c.play(&a, []step{{line, "550 No more room", "/d"}})
	}
}

// expanding is a driver that expands patterns itself: it takes them for directories.
type expanding struct {
	lister
	context ftpserver.ClientContext
}

func (x *expanding) Stat(name string) (fs.FileInfo, error) {
	if strings.Contains(name, "*") && x.context.GetLastCommand() == "NLST" {
		return entry{path.Base(name), fs.ModeDir | 0o755}, nil
	}
	return x.Fs.Stat(name)
}

func TestNLSTNamesHaveThePathThatTheDriverSets(t *testing.T) {
	for _, tt := range []struct{ in, line, set, want string }{
		{"/", "NLST *", "/d", "d/g\r\n"},
		{"/", "NLST d/*", "/d", "d/g\r\n"},
		{"/", "NLST d/*", "", "d/*/g\r\n"},
		{"/d", "NLST *", "/d", "g\r\n"},
		{"/d", "NLST /*", "/", "/g\r\n"},
		{"/", "NLST /d/*", "/", "g\r\n"},
		{"/d", "NLST", "/e", "/e/g\r\n"},
		{"/d", "NLST", "", "g\r\n"},
		{"/d", "NLST *", "/d/e", "e/g\r\n"},
		{"/d", "NLST *", "/da", "/da/g\r\n"},
	} {
		t.Run(tt.line+" in "+tt.in+", set to "+tt.set, func(t *testing.T) {
			x := &expanding{lister: lister{Fs: tree(t)}}
			set := tt.set
			x.do = func(string) ([]os.FileInfo, error) {
				if set != "" {
					x.context.SetListPath(set)
				}
				return []os.FileInfo{entry{"g", 0o644}}, nil
			}
			d := &mainDriver{auth: func(c ftpserver.ClientContext, _, _ string) (afero.Fs, error) {
				x.context = c
				return x, nil
			}}
			c := run(t, d, nil).login()
			c.want(250, "CWD "+tt.in)
			if got := c.get(epsv, tt.line); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			set = "" // SetListPath holds for one NLST only
			if got := c.get(epsv, "NLST"); got != "g\r\n" {
				t.Errorf("the next one: got %q", got)
			}
		})
	}
}

func TestADriverWithEachFileSystem(t *testing.T) {
	for _, kind := range nettest.FileSystems(t, someFiles(), aDay) {
		t.Run(kind.Name, func(t *testing.T) {
			s, c := loginTo(t, kind.FS)
			method := func(real bool, fast sendfile.Method) sendfile.Method {
				if real && hasSendfile {
					return fast
				}
				return sendfile.Copy
			}
			for name, content := range someFiles() {
				got := sha256.Sum256([]byte(c.get(epsv, "RETR "+name)))
				x := s.transfer()
				if want := method(kind.Real, sendfile.Sendfile); got != sha256.Sum256([]byte(content)) || x.Method != want || x.Err != nil {
					t.Errorf("%s: %d of %d bytes by %v, want %v", name, x.Sent, len(content), x.Method, want)
				}
				c.want(213, "SIZE "+name)
				if sum := c.want(250, "XSHA256 "+name); !strings.EqualFold(sum[4:], fmt.Sprintf("%x", sha256.Sum256([]byte(content)))) {
					t.Errorf("%s: another sum", name)
				}
			}
			if got := c.get(epsv, "NLST"); got != "big.bin\r\ndocs\r\nempty\r\n" {
				t.Errorf("NLST = %q", got)
			}
			if !kind.Writable {
				c.passive(epsv)
				c.want(550, "STOR up")
				return
			}
			content := pattern(7, 3<<20)
			for _, line := range []string{"STOR up", "STOR docs/a.txt"} {
				c.put(epsv, line, strings.NewReader(content))
				x := s.transfer()
				if want := method(isReal(t, kind.FS, "/"+line[5:]), sendfile.Splice); x.Method != want || x.Err != nil {
					t.Errorf("%s: by %v, %v, want %v", line, x.Method, x.Err, want)
				}
				if got := sha256.Sum256([]byte(c.get(pasv, "RETR "+line[5:]))); got != sha256.Sum256([]byte(content)) {
					t.Errorf("%s: RETR returns other bytes", line)
				}
				s.transfer()
			}
			wantNothingHidden(t, kind.FS, "/")
		})
	}
}

// observed is a file system whose files record in ends, at Close, whether TransferError
// was called.
type observed struct {
	afero.Fs
	ends chan string
}

type observedFile struct {
	afero.File
	of     *observed
	failed error
}

func (o *observed) Open(name string) (afero.File, error) { return o.OpenFile(name, os.O_RDONLY, 0) }

func (o *observed) OpenFile(name string, flag int, perm fs.FileMode) (afero.File, error) {
	f, err := o.Fs.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return &observedFile{File: f, of: o}, nil
}

func (f *observedFile) TransferError(err error) { f.failed = err }

func (f *observedFile) Close() error {
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return f.File.Close()
	}
	f.of.ends <- fmt.Sprint(f.failed != nil)
	return f.File.Close()
}

func TestAFileOfADriverGetsTransferErrorBeforeClose(t *testing.T) {
	for _, tt := range transferEnds {
		for _, line := range []string{"RETR big", "STOR new", "STOR f", "APPE f"} {
			if tt.uploads && line == "RETR big" {
				continue
			}
			t.Run(line+" "+tt.name, func(t *testing.T) {
				memory := tree(t)
				if line == "RETR big" {
					if err := afero.WriteFile(memory, "/big", bigFile(), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				fsys := &observed{memory, make(chan string, 10)}
				s, c := loginTo(t, fsys)
				tt.end(s, c, line)
				if got := next(t, fsys.ends); got != fmt.Sprint(tt.failed) {
					t.Errorf("TransferError was called: %s, want %v", got, tt.failed)
				}
				_ = s.Close()
				if len(fsys.ends) > 0 {
					t.Errorf("closed again, TransferError was called: %s", <-fsys.ends)
				}
			})
		}
	}
}
