// Package sluice_test checks rules of the whole tree that the compiler does not
// enforce: package comments, allowed imports, gofmt, a line in DESIGN.md for
// each dependency, no unnameable types in the API of a public package, and that
// every test can fail.
//
// Each check is a function that takes a tree and returns complaints. The tests
// at the end run the checks on small trees with known faults.
package sluice_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/build"
	"go/format"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// A rule lists the imports that a folder may have in addition to the standard
// library. Test files may import anything.
type rule struct {
	folder string            // "x/..." is x and every folder below it
	own    []string          // folders of this module; "..." is all of them
	others []string          // other modules, with their packages; "..." is all of them
	abroad []string          // other modules, only in files that are not built on Linux
	not    []string          // packages of the standard library, which is otherwise free to all
	why    string            // why nothing else
	never  map[string]string // tempting imports that are forbidden, each with its own reason
}

const (
	thisModule = "sluice"
	forTests   = "internal/nettest"

	sys      = "golang.org/x/sys"
	afero    = "github.com/spf13/afero"
	minio    = "github.com/minio/minio-go/v7"
	ftplib   = "github.com/fclairamb/ftpserverlib"
	gopsutil = "github.com/shirou/gopsutil/v4"
	compress = "github.com/klauspost/compress"
	proxy    = "github.com/pires/go-proxyproto"

	histogram = "github.com/HdrHistogram/hdrhistogram-go"
	gonum     = "gonum.org/v1/gonum"
	term      = "golang.org/x/term"
	bcrypt    = "golang.org/x/crypto/bcrypt"

	prometheus = "github.com/prometheus/client_golang"
	bubbletea  = "charm.land/bubbletea/v2"
	ansi       = "github.com/charmbracelet/x/ansi"

	toml = "github.com/BurntSushi/toml"

	landlock = "github.com/landlock-lsm/go-landlock"
	psx      = "kernel.org/pub/linux/libs/security/libcap/psx"
	systemd  = "github.com/coreos/go-systemd/v22"
)

// frontend holds the folders that both servers import.
var frontend = []string{"sendfile", "metrics", "internal/vfs", "internal/quota", "internal/live", "internal/status", "internal/account", "internal/rate", "internal/rightsfs", "internal/budget"}

const (
	noSibling = "a program can embed one server without the other; share through internal/live"
	noConfig  = "servers are configured by their fields; only cmd/sluice reads files and flags"
	fairBench = "a benchmark that imports our servers would measure them differently from other servers"
	noServer  = "no package below the servers may depend on them; call a hook instead"
)

// rules is the table of allowed imports. It may have rules for folders that do
// not exist yet.
var rules = []rule{
	{folder: ".", why: "the top folder holds checks and documents, no code"},
	{
		folder: "s3fs", own: []string{"internal/partial"}, others: []string{afero, minio},
		why:   "an object store is a file system as any other: the servers take it by the interface of afero",
		never: map[string]string{"httpd": noServer, "ftpd": noServer},
	},
	{
		folder: "sendfile", others: []string{sys},
		why:   "any program can import the core without further dependencies",
		never: map[string]string{"metrics": "moving bytes does not need the state of the socket: a caller that wants both calls both"},
	},
	{
		folder: "metrics", others: []string{sys}, abroad: []string{gopsutil},
		why:   "any program can import the core without further dependencies; on Linux it reads the kernel directly",
		never: map[string]string{"sendfile": "observing does not need moving: a caller that wants both calls both"},
	},
	{
		folder: "httpd", others: []string{afero, proxy},
		own:   append([]string{"httpd/internal/dav", "httpd/internal/deadprop", "httpd/internal/drive", "httpd/internal/h1conn", "httpd/internal/netconn", "httpd/internal/plan", "httpd/internal/sockets", "internal/filecache", "internal/upload", "internal/partial", "internal/durable", "internal/session", "internal/budget"}, frontend...),
		why:   "a server speaks its protocol; system calls belong to sendfile and metrics, paths to internal/vfs, files that are received to internal/upload",
		never: map[string]string{"ftpd": noSibling, "internal/config": noConfig},
	},
	{
		folder: "httpd/internal/dav", not: []string{"net", "net/http", "os"},
		why: "pure functions parse untrusted input, so that a review can be limited to this folder",
	},
	{
		folder: "httpd/internal/deadprop", own: []string{"httpd/internal/dav"}, others: []string{sys},
		why: "it stores properties with an open file, and knows no names of files",
	},
	{
		folder: "httpd/internal/drive", not: []string{"net/http"}, others: []string{sys},
		own:   []string{"httpd/internal/h1conn", "httpd/internal/netconn", "httpd/internal/sockets", "internal/live", "internal/vfs", "sendfile"},
		why:   "a driver moves bytes and waits; what a request means is for h1conn and plan",
		never: map[string]string{"httpd/internal/plan": "h1conn says what to send", "internal/filecache": "h1conn says what to send"},
	},
	{
		folder: "httpd/internal/h1conn", not: []string{"bufio", "log", "log/slog", "net", "net/http", "os", "syscall"},
		own:   []string{"httpd/internal/netconn", "httpd/internal/plan", "internal/account", "internal/budget", "internal/h1", "internal/live", "internal/residence", "sendfile"},
		why:   "it says what to do next on a connection and does no I/O, so that its tests need no socket",
		never: map[string]string{"httpd/internal/drive": "a driver carries out what it says"},
	},
	{
		folder: "httpd/internal/netconn", not: []string{"net/http"},
		own:   []string{"internal/live", "internal/rate", "sendfile"},
		why:   "a connection does not depend on what is requested on it",
		never: map[string]string{"httpd/internal/plan": "a connection sends what it is given"},
	},
	{
		folder: "httpd/internal/sockets", not: []string{"net/http"}, own: []string{"metrics"}, others: []string{sys},
		why: "a listening socket does not depend on what is served",
	},
	{
		folder: "httpd/internal/plan", not: []string{"net", "net/http"},
		own:    []string{"httpd/internal/listing", "internal/archive", "internal/budget", "internal/digest", "internal/filecache", "internal/fileid", "internal/partial", "internal/residence", "internal/vfs", "sendfile"},
		others: []string{afero, compress},
		why:    "what is answered depends on the request and the files, not on the connection or the version of HTTP",
	},
	{
		folder: "httpd/internal/listing", not: []string{"net", "net/http"},
		why: "how a listing looks depends on the entries and the query, not on the connection that it goes by",
	},
	{
		folder: "ftpd", own: append([]string{"ftpd/internal/control", "ftpd/internal/dataconn", "ftpd/internal/list", "internal/digest", "internal/show", "internal/upload", "internal/partial", "internal/durable"}, frontend...), others: []string{ftplib, afero},
		why:   "a server speaks its protocol; system calls belong to sendfile and metrics, paths to internal/vfs",
		never: map[string]string{"httpd": noSibling, "internal/config": noConfig},
	},
	{
		folder: "ftpd/internal/control",
		why:    "pure functions parse untrusted input, so that a review can be limited to this folder",
	},
	{
		folder: "ftpd/internal/dataconn", own: []string{"internal/live", "internal/vfs"},
		why:   "a data connection does not depend on the session that opened it",
		never: map[string]string{"ftpd/internal/control": "the session decides beforehand who may connect, and sends the replies", "sendfile": "it opens and closes connections; its callers move the bytes"},
	},
	{
		folder: "ftpd/internal/list", own: []string{"internal/account", "ftpd/internal/control"},
		why:   "the format of a listing depends on files and rights, not on the session that sends it",
		never: map[string]string{"internal/vfs": "it lists the entries that it is given; patterns need two methods, and no disk"},
	},
	{
		folder: "bench", others: []string{sys, histogram, gonum, term},
		why: "a report is figures and their layout, independent of how they were measured",
	},
	{folder: "bench/proc", others: []string{sys}, why: "the resource usage of processes comes from the system alone"},
	{
		folder: "bench/load", others: []string{sys, histogram},
		why: "it speaks only the protocols, so that it measures ours and every other server in the same way",
	},
	{
		folder: "bench/methods", own: []string{"bench", "bench/load", "bench/proc", "sendfile"}, others: []string{sys, histogram},
		why:   "a method is a system call or two, and ours is measured as the servers use it",
		never: map[string]string{"httpd": fairBench, "ftpd": fairBench},
	},
	{
		folder: "bench/peers", own: []string{"bench/proc"}, others: []string{sys},
		why:   "a peer is a program and its configuration",
		never: map[string]string{"httpd": fairBench, "ftpd": fairBench},
	},
	{
		folder: "bench/servers", own: []string{"bench", "bench/load", "bench/peers", "bench/proc"}, others: []string{histogram},
		why:   "it speaks only the protocols, so that it measures ours and every other server in the same way",
		never: map[string]string{"httpd": fairBench, "ftpd": fairBench},
	},
	{folder: "cmd/sluice/...", own: []string{"..."}, others: []string{"..."}},
	{folder: "internal/mounts", others: []string{sys}, why: "which mount a path is on depends on the path alone, and asks no file system"},
	{
		folder: "internal/vfs", own: []string{"internal/fileid", "internal/mounts"}, others: []string{sys, afero},
		why: "every path from a client passes through it, so that a review can be limited to this folder",
	},
	{
		folder: "internal/upload", own: []string{"internal/durable", "internal/keylock", "internal/partial", "internal/quota", "internal/vfs"}, others: []string{afero, sys},
		why:   "receiving a file safely does not depend on the protocol",
		never: map[string]string{"httpd": noServer, "ftpd": noServer, "sendfile": "it returns a file to write to; a receiver calls both"},
	},
	{
		folder: "internal/rightsfs", own: []string{"internal/account", "internal/vfs"}, others: []string{afero},
		why:   "what an account sees of a tree does not depend on the protocol",
		never: map[string]string{"httpd": noServer, "ftpd": noServer},
	},
	{
		folder: "internal/quota", own: []string{"internal/fileid", "internal/keylock", "internal/vfs"}, others: []string{afero},
		why:   "what a user may write is counted from the tree, and does not depend on the protocol",
		never: map[string]string{"internal/upload": "it is counted on behalf of uploads, which call it"},
	},
	{
		folder: "internal/durable", own: []string{"internal/vfs"}, others: []string{sys},
		why: "syncing to disk does not depend on the protocol, nor on the kind of change",
	},
	{
		folder: "internal/live", own: []string{"internal/account", "internal/budget", "internal/status", "sendfile", "metrics"},
		why:   "the record that both servers fill describes transfers and their measurements",
		never: map[string]string{"httpd": noServer, "ftpd": noServer, "internal/config": noConfig},
	},
	{
		folder: "internal/admin", own: []string{"internal/budget", "internal/live", "internal/mounts", "internal/status", "internal/filecache", "metrics"}, others: []string{prometheus},
		why:   "it shows the records of the servers",
		never: map[string]string{"httpd": noServer, "ftpd": noServer, "internal/config": noConfig},
	},
	{folder: "internal/status", own: []string{"metrics"}, why: "the schema of /status.json is data that live and admin fill in"},
	{folder: "internal/show", others: []string{ansi}, why: "the format of a figure does not depend on where it comes from"},
	{
		folder: "internal/top", own: []string{"internal/admin", "internal/status", "internal/show"}, others: []string{bubbletea},
		why: "a view shows data and does not know its source",
	},
	{folder: "internal/account", own: []string{"internal/budget", "internal/quota"}, others: []string{afero, bcrypt}, why: "the code that checks passwords has no code of others in it but bcrypt; of afero and of quota it names types; budget shares turns"},
	{folder: "internal/userfile", why: "the code that writes files of secrets has no third-party code in it"},
	{folder: "internal/session", own: []string{"internal/userfile"}, why: "the code that lets users in without a password has no third-party code in it"},
	{folder: "internal/rate", why: "a token bucket needs a clock and nothing else"},
	{folder: "internal/h1", why: "pure functions parse untrusted input, so that a review can be limited to this folder"},
	{
		folder: "internal/filecache", own: []string{"internal/vfs", "internal/fileid", "internal/mounts", "internal/residence"}, others: []string{afero, sys},
		why:   "it caches open files of the tree and knows no protocol",
		never: map[string]string{"httpd": noServer, "ftpd": noServer},
	},
	{folder: "internal/archive", why: "the layout of an archive is arithmetic: the caller opens the files"},
	{folder: "internal/digest", own: []string{"internal/budget", "internal/fileid"}, why: "a checksum is computed from an open file, whatever opened it"},
	{folder: "internal/budget", why: "what is shared does not depend on who takes it"},
	{folder: "internal/keylock", why: "a lock does not depend on what is locked"},
	{folder: "internal/partial", why: "the name alone says whether a file is an incomplete upload, in every protocol"},
	{folder: "internal/fileid", others: []string{sys}, why: "the identity of a file depends on the file alone"},
	{folder: "internal/residence", others: []string{sys}, why: "where a file is depends on the file alone"},
	{
		folder: "internal/sandbox", others: []string{sys, landlock, psx},
		why:   "the code that takes rights from the process is reviewed alone, and knows nothing of what the process does",
		never: map[string]string{"httpd": noServer, "ftpd": noServer, "internal/config": noConfig},
	},
	{
		folder: "internal/daemon",
		own: append([]string{
			"httpd", "ftpd", "internal/accesslog", "internal/admin", "internal/certs", "internal/config", "internal/daemon/listen",
			"internal/durable", "internal/mounts", "internal/sandbox",
		}, frontend...),
		others: []string{ftplib, systemd},
		why:    "it turns a configuration into servers; flags and files are read in cmd/sluice",
		never:  map[string]string{"internal/top": "a view runs in another process", "internal/inspect": "the commands look at the server from outside"},
	},
	{
		folder: "internal/daemon/listen", own: []string{"internal/config"}, others: []string{sys, systemd},
		why:   "a listener does not depend on the server that accepts on it",
		never: map[string]string{"httpd": noServer, "ftpd": noServer},
	},
	{
		folder: "internal/accesslog", own: []string{"internal/config", "internal/live", "internal/show", "sendfile"},
		why:   "a line shows a record, whichever server has made it",
		never: map[string]string{"httpd": noServer, "ftpd": noServer},
	},
	{
		folder: "internal/inspect", own: []string{"internal/show", "internal/status", "metrics"},
		why:   "it looks at any process, and at ours from outside",
		never: map[string]string{"internal/live": "a running server is asked through internal/admin"},
	},
	{folder: "internal/certs", why: "the code that holds TLS keys has no third-party code in it"},
	{
		folder: "internal/config", own: []string{"internal/account"}, others: []string{toml},
		why:   "the configuration is data: internal/daemon turns it into servers",
		never: map[string]string{"httpd": noServer, "ftpd": noServer},
	},
	{folder: forTests + "/s3store", why: "a store for the tests of every folder, which knows only the protocol"},
	{folder: forTests, others: []string{sys, afero}, why: "tests of every folder use it, so that it may depend on no folder"},
}

func TestPackageComments(t *testing.T) { report(t, checkComments(os.DirFS("."))) }

func TestImports(t *testing.T) { report(t, checkImports(os.DirFS("."), rules)) }

func TestFormat(t *testing.T) { report(t, checkFormat(os.DirFS("."))) }

func TestAssertions(t *testing.T) { report(t, checkAssertions(os.DirFS("."))) }

func TestRequirements(t *testing.T) {
	gomod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	design, err := os.ReadFile("DESIGN.md")
	if err != nil {
		t.Fatal(err)
	}
	report(t, checkRequirements(string(gomod), string(design)))
}

func TestDesignIsShort(t *testing.T) {
	design, err := os.ReadFile("DESIGN.md")
	if err != nil {
		t.Fatal(err)
	}
	if lines := bytes.Count(design, []byte("\n")); lines > 200 {
		t.Errorf("DESIGN.md has %d lines, want 200 at most: decisions of one package belong into its package comment", lines)
	}
}

func report(t *testing.T, complaints []string) {
	t.Helper()
	for _, c := range complaints {
		t.Error(c)
	}
}

// checkComments requires exactly one package comment in each folder, in a file
// that is built on all platforms. Test files count only in a folder of tests.
func checkComments(tree fs.FS) (complaints []string) {
	files, complaints := sources(tree, header)
	for folder, files := range byFolder(files) {
		if slices.ContainsFunc(files, source.isCode) {
			files = slices.DeleteFunc(files, source.isTest)
		}
		commented := slices.DeleteFunc(slices.Clone(files), func(s source) bool { return s.file.Doc.Text() == "" })
		switch len(commented) {
		case 0:
			complaints = append(complaints, folder+": no package comment: write it in doc.go")
			continue
		case 1:
		default:
			var names []string
			for _, s := range commented {
				names = append(names, path.Base(s.name))
			}
			complaints = append(complaints, fmt.Sprintf("%s: %d package comments, in %s: keep one",
				folder, len(commented), strings.Join(names, " and ")))
			continue
		}

		s := commented[0]
		if homes := []string{"doc.go", path.Base(folder) + ".go", "main.go"}; s.isCode() && !slices.Contains(homes, path.Base(s.name)) {
			complaints = append(complaints, fmt.Sprintf("%s: package comment in a side file: move it to %s", s.name, homes[0]))
		}
		starts := []string{"Package " + s.file.Name.Name + " "}
		if s.file.Name.Name == "main" {
			program := path.Base(folder)
			starts = []string{"Command " + program + " ", strings.ToUpper(program[:1]) + program[1:] + " ", program + " "}
		}
		comment := s.file.Doc.Text()
		if !slices.ContainsFunc(starts, func(start string) bool { return strings.HasPrefix(comment, start) }) {
			first, _, _ := strings.Cut(comment, "\n")
			complaints = append(complaints, fmt.Sprintf("%s: package comment starts %q, want %q", s.name, first, starts[0]))
		}
	}
	return slices.Sorted(slices.Values(complaints))
}

// checkImports requires every import, on every platform, to be in the table.
func checkImports(tree fs.FS, rules []rule) (complaints []string) {
	files, complaints := sources(tree, header)
	for folder, files := range byFolder(files) {
		r, ok := ruleFor(rules, folder)
		if !ok {
			complaints = append(complaints, folder+`: no rule for this folder: `+
				`add a rule for it in house_test.go`)
			continue
		}
		for _, s := range slices.DeleteFunc(files, source.isTest) {
			for _, spec := range s.file.Imports {
				imported, _ := strconv.Unquote(spec.Path.Value) // the parser has checked the quotes
				if why := r.objection(imported, builtOnLinux(tree, s.name)); why != "" {
					complaints = append(complaints, fmt.Sprintf("%s:%d: %s may not import %s: %s",
						s.name, s.fset.Position(spec.Pos()).Line, folder, imported, why))
				}
			}
		}
	}
	return slices.Sorted(slices.Values(complaints))
}

// ruleFor returns the rule of a folder.
func ruleFor(rules []rule, folder string) (rule, bool) {
	for _, r := range rules {
		top, below := strings.CutSuffix(r.folder, "/...")
		if folder == top || below && strings.HasPrefix(folder, top+"/") {
			return r, true
		}
	}
	return rule{}, false
}

// objection returns why r forbids an import, or "".
func (r rule) objection(imported string, onLinux bool) string {
	own, isOwn := strings.CutPrefix(imported, thisModule+"/")
	first, _, _ := strings.Cut(imported, "/")
	switch {
	case imported == "C":
		return "cgo: the binary is static, and any platform can build it for every other"
	case imported == "text/template" || imported == "html/template":
		return "it makes the linker keep every exported method, 2.5 MB of them: write the text with fmt, and escape values"
	case isOwn && (own == forTests || strings.HasPrefix(own, forTests+"/")):
		return "it is for _test files only"
	case isOwn && (slices.Contains(r.own, own) || slices.Contains(r.own, "...")):
		return ""
	case isOwn && r.never[own] != "":
		return r.never[own]
	case isOwn:
		return r.why
	case slices.Contains(r.not, imported):
		return r.why
	case !strings.Contains(first, "."): // the standard library
		return ""
	case holds(r.others, imported) || slices.Contains(r.others, "..."):
		return ""
	case holds(r.abroad, imported) && onLinux:
		return "only in files that are not built on Linux; " + r.why
	case holds(r.abroad, imported):
		return ""
	}
	return r.why
}

// holds reports whether the imported package is in one of the modules.
func holds(modules []string, imported string) bool {
	return slices.ContainsFunc(modules, func(m string) bool {
		return imported == m || strings.HasPrefix(imported, m+"/")
	})
}

// builtOnLinux reports whether Linux builds a file, by its name and build tags.
// The file must parse.
func builtOnLinux(tree fs.FS, name string) bool {
	linux := build.Default
	linux.GOOS, linux.GOARCH = "linux", "amd64"
	linux.JoinPath = path.Join
	linux.OpenFile = func(name string) (io.ReadCloser, error) { return tree.Open(name) }
	ok, err := linux.MatchFile(path.Dir(name), path.Base(name))
	return ok || err != nil
}

// checkFormat requires gofmt's formatting of every Go file, including those in
// testdata and in other modules.
func checkFormat(tree fs.FS) (complaints []string) {
	for _, name := range goFiles(tree, func(string) bool { return false }) {
		src, err := fs.ReadFile(tree, name)
		if err != nil {
			complaints = append(complaints, err.Error())
			continue
		}
		if formatted, err := format.Source(src); err != nil {
			complaints = append(complaints, fmt.Sprintf("%s: %v", name, err))
		} else if !bytes.Equal(src, formatted) {
			complaints = append(complaints, name+": not formatted: run gofmt -w")
		}
	}
	return complaints
}

// checkAssertions requires that every test can fail: it must call a method of
// its *testing.T that fails the test, or pass the *testing.T on. Fuzz targets are
// exempt, because they look for panics.
func checkAssertions(tree fs.FS) (complaints []string) {
	files, complaints := sources(tree, parser.SkipObjectResolution)
	for _, s := range files {
		if s.isCode() {
			continue
		}
		for _, decl := range s.file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") && len(testNames(f.Type)) > 0 && !asserts(f) {
				complaints = append(complaints, fmt.Sprintf("%s:%d: %s cannot fail: it neither fails its *testing.T nor passes it on",
					s.name, s.fset.Position(f.Pos()).Line, f.Name.Name))
			}
		}
	}
	return slices.Sorted(slices.Values(complaints))
}

// testNames returns the names of the parameters of type *testing.T, with "_" for
// one without a name.
func testNames(f *ast.FuncType) (names []string) {
	for _, param := range f.Params.List {
		star, ok := param.Type.(*ast.StarExpr)
		if !ok {
			continue
		}
		if t, ok := star.X.(*ast.SelectorExpr); !ok || t.Sel.Name != "T" {
			continue
		}
		if len(param.Names) == 0 {
			names = append(names, "_")
		}
		for _, name := range param.Names {
			names = append(names, name.Name)
		}
	}
	return names
}

// asserts reports whether a test uses its *testing.T, or the one of a subtest,
// for more than calling silentMethods.
func asserts(test *ast.FuncDecl) bool {
	names := testNames(test.Type)
	ast.Inspect(test.Body, func(n ast.Node) bool {
		if f, ok := n.(*ast.FuncLit); ok {
			names = append(names, testNames(f.Type)...)
		}
		return true
	})
	isTest := func(e ast.Expr) bool {
		id, ok := e.(*ast.Ident)
		return ok && id.Name != "_" && slices.Contains(names, id.Name)
	}
	found := false
	ast.Inspect(test.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field: // a parameter of that name, not a use
			return false
		case *ast.SelectorExpr:
			if isTest(n.X) && slices.Contains(silentMethods, n.Sel.Name) {
				return false
			}
		case *ast.Ident:
			found = found || isTest(n)
		}
		return !found
	})
	return found
}

// silentMethods are the methods of *testing.T that assert nothing. Some of them
// can fail a test, but only when the machine does, as TempDir on a full disk.
var silentMethods = []string{
	"ArtifactDir", "Attr", "Chdir", "Cleanup", "Context", "Deadline", "Failed", "Helper", "Log", "Logf", "Name", "Output", "Parallel",
	"Run", "Setenv", "Skip", "SkipNow", "Skipf", "Skipped", "TempDir",
}

// checkRequirements requires a line in DESIGN.md for every direct dependency:
// module path, version and a reason.
func checkRequirements(gomod, design string) (complaints []string) {
	for _, need := range directRequirements(gomod) {
		module, version := need[0], need[1]
		var named, exact, reason bool
		for line := range strings.Lines(design) {
			words := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t\r\n`|()[]*,;:", r) })
			if !slices.Contains(words, module) {
				continue
			}
			named = true
			if slices.Contains(words, version) {
				exact = true
				reason = reason || len(words) >= 5
			}
		}
		switch {
		case !named:
			complaints = append(complaints, fmt.Sprintf("go.mod requires %s, which DESIGN.md does not list: add a line with the version and the reason", module))
		case !exact:
			complaints = append(complaints, fmt.Sprintf("go.mod requires %s %s: its line in DESIGN.md has another version", module, version))
		case !reason:
			complaints = append(complaints, fmt.Sprintf("go.mod requires %s: its line in DESIGN.md gives no reason", module))
		}
	}
	return complaints
}

// directRequirements returns module path and version of each requirement in
// go.mod that has no "// indirect" comment.
func directRequirements(gomod string) (needs [][2]string) {
	block := ""
	for line := range strings.Lines(gomod) {
		code, comment, _ := strings.Cut(line, "//")
		words := strings.Fields(code)
		switch {
		case len(words) == 2 && words[1] == "(":
			block = words[0]
			continue
		case len(words) == 1 && words[0] == ")":
			block = ""
			continue
		case block == "" && len(words) > 0 && words[0] == "require":
			words = words[1:]
		case block != "require":
			continue
		}
		if len(words) == 2 && strings.TrimSpace(comment) != "indirect" {
			needs = append(needs, [2]string{words[0], words[1]})
		}
	}
	return needs
}

// header parses a file up to the end of its imports, enough for most checks.
const header = parser.ImportsOnly | parser.ParseComments

// A source is a Go file of this module.
type source struct {
	name string // slash-separated path from the top
	fset *token.FileSet
	file *ast.File
}

func (s source) isTest() bool { return strings.HasSuffix(s.name, "_test.go") }
func (s source) isCode() bool { return !s.isTest() }

// sources parses the Go files of this module, for all platforms and build tags.
// Files that it cannot parse become complaints. Like the go command, it skips
// testdata, folders whose name begins with an underscore, and other modules.
func sources(tree fs.FS, mode parser.Mode) (files []source, complaints []string) {
	names := goFiles(tree, func(folder string) bool {
		_, err := fs.Stat(tree, path.Join(folder, "go.mod"))
		return path.Base(folder) == "testdata" || path.Base(folder)[0] == '_' || err == nil
	})
	for _, name := range names {
		src, err := fs.ReadFile(tree, name)
		if err != nil {
			complaints = append(complaints, err.Error())
			continue
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, src, mode)
		if err != nil {
			complaints = append(complaints, err.Error())
			continue
		}
		files = append(files, source{name, fset, file})
	}
	return files, complaints
}

// byFolder groups files by folder.
func byFolder(files []source) map[string][]source {
	folders := make(map[string][]source)
	for _, s := range files {
		folders[path.Dir(s.name)] = append(folders[path.Dir(s.name)], s)
	}
	return folders
}

// goFiles returns the names of all Go files, except in hidden folders and in
// folders for which skip returns true. skip is not called for the top folder.
func goFiles(tree fs.FS, skip func(folder string) bool) (names []string) {
	_ = fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil: // removed after its folder was read
			return nil
		case name == ".":
		case d.IsDir() && (d.Name()[0] == '.' || skip(name)):
			return fs.SkipDir
		case !d.IsDir() && path.Ext(name) == ".go":
			names = append(names, name)
		}
		return nil
	})
	return names
}

// The tests below run each check on trees of one or two files.

// A model is a tree for a test: file contents by name.
type model map[string]string

func (m model) tree() fs.FS {
	tree := make(fstest.MapFS)
	for name, src := range m {
		tree[name] = &fstest.MapFile{Data: []byte(src)}
	}
	return tree
}

func TestCheckComments(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   model
		want []string
	}{
		{"accepts doc.go", model{"a/doc.go": "// Package a does.\npackage a\n", "a/b.go": "package a\n"}, nil},
		{"accepts the main file", model{"a/a.go": "// Package a does.\npackage a\n"}, nil},
		{"accepts commands", model{
			"cmd/x/main.go": "// Command x does.\npackage main\n",
			"cmd/y/main.go": "// Y does.\npackage main\n",
			"cmd/z/main.go": "// z does.\npackage main\n",
		}, nil},
		{"accepts tests alone", model{"a_test.go": "// Package a_test does.\npackage a_test\n", "b_test.go": "package a_test\n"}, nil},
		{"reports a missing comment", model{"a/a.go": "package a\n"}, []string{"a: no package comment: write it in doc.go"}},
		{
			"does not accept a build tag or a licence as a comment",
			model{"a/a.go": "// Copyright\n\n//go:build linux\n\npackage a\n"},
			[]string{"a: no package comment: write it in doc.go"},
		},
		{
			"does not accept the comment of a test file", model{"a/a.go": "package a\n", "a/a_test.go": "// Package a does.\npackage a\n"},
			[]string{"a: no package comment: write it in doc.go"},
		},
		{
			"reports two comments",
			model{"a/a.go": "// Package a does.\npackage a\n", "a/doc.go": "// Package a too.\npackage a\n"},
			[]string{"a: 2 package comments, in a.go and doc.go: keep one"},
		},
		{
			"reports a comment in a side file", model{"a/a_linux.go": "// Package a does.\npackage a\n"},
			[]string{"a/a_linux.go: package comment in a side file: move it to doc.go"},
		},
		{
			"reports a wrong beginning", model{"a/a.go": "// This does.\n// So.\npackage a\n"},
			[]string{`a/a.go: package comment starts "This does.", want "Package a "`},
		},
		{
			"reports a wrong command name", model{"cmd/x/main.go": "// Package main does.\npackage main\n"},
			[]string{`cmd/x/main.go: package comment starts "Package main does.", want "Command x "`},
		},
		{"skips testdata and other modules", model{
			"testdata/a.go": "package a\n", "_old/a.go": "package a\n", ".git/a.go": "package a\n",
			"tools/go.mod": "module tools\n", "tools/a.go": "package a\n",
		}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) { compare(t, checkComments(tt.in.tree()), tt.want) })
	}
}

func TestCheckImports(t *testing.T) {
	const lib = "example.com/lib"
	rules := []rule{
		{folder: "low", others: []string{lib}, why: "low is low"},
		{folder: "side", own: []string{"low"}, abroad: []string{lib}, why: "side is side", never: map[string]string{"high": "not up"}},
		{folder: "high/...", own: []string{"..."}, others: []string{"..."}},
		{folder: "pure", not: []string{"net", "net/http"}, why: "pure is pure"},
	}
	importing := func(imported string) string { return "package p\n\nimport _ \"" + imported + "\"\n" }
	for _, tt := range []struct {
		name string
		in   model
		want []string
	}{
		{"accepts the standard library", model{"low/a.go": importing("net/http")}, nil},
		{"accepts imports that the rule lists", model{"low/a.go": importing(lib + "/sub"), "side/a.go": importing("sluice/low")}, nil},
		{"accepts anything where the rule has ...", model{"high/a/b.go": importing("sluice/side"), "high/a.go": importing("example.com/any")}, nil},
		{"accepts anything in tests", model{"low/a_test.go": importing("sluice/high")}, nil},
		{"reports an import with the reason of the rule", model{"low/a.go": importing("sluice/side")}, []string{
			"low/a.go:3: low may not import sluice/side: low is low",
		}},
		{"reports an import with its own reason", model{"side/a.go": importing("sluice/high")}, []string{
			"side/a.go:3: side may not import sluice/high: not up",
		}},
		{"checks files of every platform", model{
			"low/a_windows.go": importing("sluice/side"),
			"low/b.go":         "//go:build plan9 && e2e\n\n" + importing("sluice/side"),
		}, []string{
			"low/a_windows.go:3: low may not import sluice/side: low is low",
			"low/b.go:5: low may not import sluice/side: low is low",
		}},
		{"reports other modules", model{"low/a.go": importing("example.com/library")}, []string{
			"low/a.go:3: low may not import example.com/library: low is low",
		}},
		{"does not apply a rule to folders below", model{"low/a.go": importing("sluice/low/x"), "side/a.go": importing("sluice/low/x")}, []string{
			"low/a.go:3: low may not import sluice/low/x: low is low",
			"side/a.go:3: side may not import sluice/low/x: side is side",
		}},
		{"accepts some modules in files that are not built on Linux", model{
			"side/a_windows.go": importing(lib),
			"side/b.go":         "//go:build !linux\n\n" + importing(lib),
		}, nil},
		{"reports those modules in files that are built on Linux", model{"side/a_linux.go": importing(lib), "side/b.go": importing(lib)}, []string{
			"side/a_linux.go:3: side may not import example.com/lib: only in files that are not built on Linux; side is side",
			"side/b.go:3: side may not import example.com/lib: only in files that are not built on Linux; side is side",
		}},
		{"reports packages of the standard library that a rule excludes", model{
			"pure/a.go": importing("net/http"), "pure/b.go": importing("net"), "pure/c.go": importing("net/url"), "pure/a_test.go": importing("net/http"),
		}, []string{
			"pure/a.go:3: pure may not import net/http: pure is pure",
			"pure/b.go:3: pure may not import net: pure is pure",
		}},
		{"reports test helpers outside of tests", model{"high/a.go": importing("sluice/internal/nettest")}, []string{
			"high/a.go:3: high may not import sluice/internal/nettest: it is for _test files only",
		}},
		{"reports cgo", model{"high/a.go": importing("C")}, []string{
			"high/a.go:3: high may not import C: cgo: the binary is static, and any platform can build it for every other",
		}},
		{"reports templates", model{"high/a.go": importing("text/template"), "pure/a.go": importing("html/template"), "pure/a_test.go": importing("text/template")}, []string{
			"high/a.go:3: high may not import text/template: it makes the linker keep every exported method, 2.5 MB of them: write the text with fmt, and escape values",
			"pure/a.go:3: pure may not import html/template: it makes the linker keep every exported method, 2.5 MB of them: write the text with fmt, and escape values",
		}},
		{"reports a folder without a rule", model{"new/a_test.go": "package p\n"}, []string{
			`new: no rule for this folder: add a rule for it in house_test.go`,
		}},
		{"reports files that it cannot parse", model{"low/a.go": "pakage p\n"}, []string{
			"low/a.go:1:1: expected 'package', found pakage",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) { compare(t, checkImports(tt.in.tree(), rules), tt.want) })
	}
}

// The table must be consistent: one rule a folder, each with its reason, and no
// rule both allows and forbids the same import.
func TestImportTable(t *testing.T) {
	seen := make(map[string]bool)
	for _, r := range rules {
		if seen[r.folder] {
			t.Errorf("%s has two rules", r.folder)
		}
		seen[r.folder] = true
		if r.why == "" && !slices.Contains(r.own, "...") {
			t.Errorf("%s: no reason", r.folder)
		}
		for _, to := range append(slices.Collect(maps.Keys(r.never)), r.own...) {
			if _, ok := ruleFor(rules, to); !ok && to != "..." {
				t.Errorf("%s: %s has no rule of its own", r.folder, to)
			}
			if r.never[to] != "" && slices.Contains(r.own, to) {
				t.Errorf("%s: %s is both allowed and forbidden", r.folder, to)
			}
		}
	}
}

func TestCheckFormat(t *testing.T) {
	got := checkFormat(model{
		"a/good.go":       "package a\n",
		"a/testdata/b.go": "package  a\n",
		"c/broken.go":     "package c; func (\n",
		"tools/go.mod":    "module tools\n",
		"tools/t.go":      "package t\n\n\n",
		".cache/x.go":     "package  x\n",
	}.tree())
	compare(t, got, []string{
		"a/testdata/b.go: not formatted: run gofmt -w",
		"c/broken.go: 1:19: expected ')', found 'EOF'",
		"tools/t.go: not formatted: run gofmt -w",
	})
}

func TestCheckAssertions(t *testing.T) {
	const complaint = "a/a_test.go:1: TestA cannot fail: it neither fails its *testing.T nor passes it on"
	for _, tt := range []struct {
		name, test string
		fails      bool
	}{
		{"accepts a test that may fail", "func TestA(t *testing.T) { if f() { t.Error() } }", false},
		{"accepts a helper", "func TestA(t *testing.T) { helper(t) }", false},
		{"accepts a helper that stores it", "func TestA(t *testing.T) { s := &server{t: t}; s.get() }", false},
		{"accepts a subtest that may fail", `func TestA(t *testing.T) { t.Run("x", func(tt *testing.T) { tt.Fatal() }) }`, false},
		{"accepts a method that is passed on", "func TestA(t *testing.T) { f(t.Errorf) }", false},
		{"accepts fuzz targets, benchmarks and TestMain", "func FuzzA(f *testing.F) { f.Fuzz(func(t *testing.T) {}) }; " +
			"func BenchmarkA(b *testing.B) {}; func TestMain(m *testing.M) {}", false},
		{"accepts a helper with such a name", "func TestA(name string) {}; func (s) TestB(t *testing.T) {}", false},
		{"reports a test that only calls", "func TestA(t *testing.T) { t.Parallel(); t.Helper(); f() }", true},
		{"reports a test with an unnamed parameter", "func TestA(*testing.T) { f() }", true},
		{"reports a test that ignores its parameter", "func TestA(_ *testing.T) { _ = f() }", true},
		{"does not count a folder or a log line as an assertion", `func TestA(t *testing.T) { f(t.Context(), t.TempDir()); t.Log("x") }`, true},
		{"reports subtests that only call", `func TestA(t *testing.T) { t.Run("x", func(t *testing.T) { t.Parallel(); f() }) }`, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var want []string
			if tt.fails {
				want = []string{complaint}
			}
			compare(t, checkAssertions(model{"a/a_test.go": "package a; " + tt.test, "a/a.go": "package a; func TestA(t *testing.T) {}"}.tree()), want)
		})
	}
}

func TestCheckRequirements(t *testing.T) {
	const gomod = `module m

go 1.26.0

require example.com/one v1.0.0

require (
	example.com/two v2.0.0 // a remark
	example.com/three v3.0.0-20260101000000-abcdef123456
	example.com/far v1.0.0 // indirect
)

replace example.com/one => ../one

exclude (
	example.com/old v0.1.0
)
`
	for _, tt := range []struct {
		name, design string
		want         []string
	}{
		{"accepts prose, lists and tables", "We use `example.com/one` v1.0.0, which does one thing.\n" +
			"- example.com/two v2.0.0: for the second thing\n" +
			"| example.com/three | v3.0.0-20260101000000-abcdef123456 | counts to three |\n", nil},
		{"reports missing dependencies", "", []string{
			"go.mod requires example.com/one, which DESIGN.md does not list: add a line with the version and the reason",
			"go.mod requires example.com/two, which DESIGN.md does not list: add a line with the version and the reason",
			"go.mod requires example.com/three, which DESIGN.md does not list: add a line with the version and the reason",
		}},
		{"does not accept a package path, another version or a bare name", "example.com/one/sub v1.0.0 does one thing\n" +
			"example.com/two v2.0.1 does a second thing\n" +
			"example.com/three v3.0.0-20260101000000-abcdef123456\n", []string{
			"go.mod requires example.com/one, which DESIGN.md does not list: add a line with the version and the reason",
			"go.mod requires example.com/two v2.0.0: its line in DESIGN.md has another version",
			"go.mod requires example.com/three: its line in DESIGN.md gives no reason",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) { compare(t, checkRequirements(gomod, tt.design), tt.want) })
	}
}

func compare(t *testing.T, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got:\n\t%s\nwant:\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}
