// Package sluice_test guards what holds for the whole tree and what no
// compiler checks: the package comments, who may import whom, the format, that
// DESIGN.md knows every dependency, that programs can name every type that a
// public package shows them, and that every test can fail.
//
// Each guard is a function from a tree to its complaints, so that the tests at
// the end can show that it sees what it should.
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

// A rule says what a folder may import beside the standard library. Test
// files may import what they like.
type rule struct {
	folder string            // "x/..." is x and every folder below it
	own    []string          // folders of this module; "..." is all of them
	others []string          // other modules, with their packages; "..." is all of them
	abroad []string          // other modules, in files that Linux does not build
	not    []string          // packages of the standard library, which is otherwise free to all
	why    string            // why nothing else
	never  map[string]string // edges that tempt, each with its own reason
}

const (
	thisModule = "sluice"
	forTests   = "internal/nettest"

	sys      = "golang.org/x/sys"
	afero    = "github.com/spf13/afero"
	ftplib   = "github.com/fclairamb/ftpserverlib"
	gopsutil = "github.com/shirou/gopsutil/v4"
	compress = "github.com/klauspost/compress"
	proxy    = "github.com/pires/go-proxyproto"

	histogram = "github.com/HdrHistogram/hdrhistogram-go"
	plot      = "gonum.org/v1/plot"
	gonum     = "gonum.org/v1/gonum"
	term      = "golang.org/x/term"

	prometheus = "github.com/prometheus/client_golang"
	bubbletea  = "charm.land/bubbletea/v2"
	ansi       = "github.com/charmbracelet/x/ansi"

	toml = "github.com/BurntSushi/toml"

	landlock = "github.com/landlock-lsm/go-landlock"
	psx      = "kernel.org/pub/linux/libs/security/libcap/psx"
)

// frontend is what both servers stand on.
var frontend = []string{"sendfile", "metrics", "internal/vfs", "internal/live", "internal/account", "internal/rate"}

const (
	noSibling = "the servers stand side by side, so that a program can take one without the other; share through internal/live"
	noConfig  = "servers are configured by their fields; files and flags are read in cmd/sluice alone"
	onlyWire  = "a bench that knew our servers would measure them by other means than the others"
	noServer  = "nothing below the servers knows them; call a hook instead"
)

// rules is the table "Who may import whom" of DESIGN.md. A folder that is not
// there yet has its rule waiting.
var rules = []rule{
	{folder: ".", why: "the top of the tree holds guards and documents, no code"},
	{
		folder: "sendfile", others: []string{sys},
		why:   "the core is for any program to take, and brings nothing along",
		never: map[string]string{"metrics": "moving bytes does not need to know how the socket is: whoever wants both calls both"},
	},
	{
		folder: "metrics", others: []string{sys}, abroad: []string{gopsutil},
		why:   "the core is for any program to take, and brings nothing along; on Linux the kernel is read directly",
		never: map[string]string{"sendfile": "observing does not need moving: whoever wants both calls both"},
	},
	{
		folder: "httpd", others: []string{afero, proxy},
		own:   append([]string{"httpd/internal/h1conn", "httpd/internal/netconn", "httpd/internal/plan", "internal/filecache"}, frontend...),
		why:   "a frontend speaks its protocol; system calls belong to sendfile and metrics, paths to internal/vfs",
		never: map[string]string{"ftpd": noSibling, "internal/config": noConfig},
	},
	{
		folder: "httpd/internal/h1conn", not: []string{"net", "net/http"},
		own: []string{"httpd/internal/netconn", "httpd/internal/plan", "internal/h1", "internal/live", "sendfile"},
		why: "the fast path moves bytes between a connection and a plan, and knows neither servers nor files",
	},
	{
		folder: "httpd/internal/netconn", not: []string{"net/http"},
		own:   []string{"internal/live", "internal/rate", "sendfile"},
		why:   "a connection does not depend on what is requested on it",
		never: map[string]string{"httpd/internal/plan": "a connection sends what it is given"},
	},
	{
		folder: "httpd/internal/plan", not: []string{"net", "net/http"},
		own:    []string{"httpd/internal/listing", "internal/archive", "internal/digest", "internal/filecache", "internal/fileid", "internal/partial", "internal/vfs", "sendfile"},
		others: []string{afero, compress},
		why:    "what is answered depends on the request and the files, not on the connection or the version of HTTP",
	},
	{
		folder: "httpd/internal/listing", not: []string{"net", "net/http"},
		why: "how a listing looks depends on the entries and the query, not on the connection that it goes by",
	},
	{
		folder: "ftpd", own: append([]string{"ftpd/internal/control", "ftpd/internal/dataconn", "ftpd/internal/list", "internal/digest", "internal/show", "internal/upload", "internal/partial", "internal/durable"}, frontend...), others: []string{ftplib, afero},
		why:   "a frontend speaks its protocol; system calls belong to sendfile and metrics, paths to internal/vfs",
		never: map[string]string{"httpd": noSibling, "internal/config": noConfig},
	},
	{
		folder: "ftpd/internal/control",
		why:    "what strangers send is taken apart by pure functions, which a review of this folder alone covers",
	},
	{
		folder: "ftpd/internal/dataconn", own: []string{"internal/live", "internal/vfs"},
		why:   "a data connection does not depend on the session that has asked for it",
		never: map[string]string{"ftpd/internal/control": "who may connect is settled before; the replies are the session's", "sendfile": "it opens and ends what others move bytes over"},
	},
	{
		folder: "ftpd/internal/list", own: []string{"internal/account", "ftpd/internal/control"},
		why:   "how a listing looks depends on files and rights, not on the session that sends it",
		never: map[string]string{"internal/vfs": "it lists what it is given: patterns look through two methods, which need no disk"},
	},
	{
		folder: "bench", others: []string{sys, histogram, plot, gonum, term},
		why: "a report is figures and how to show them, whoever measured",
	},
	{folder: "bench/proc", others: []string{sys}, why: "what processes use is asked of the system alone"},
	{
		folder: "bench/load", others: []string{sys, histogram},
		why: "it speaks only the wire, so that it measures any server, and ours by the same means",
	},
	{
		folder: "bench/roads", own: []string{"bench", "bench/load", "bench/proc", "sendfile"}, others: []string{sys, histogram},
		why:   "a road is a system call or two, and ours is measured as the servers take it",
		never: map[string]string{"httpd": onlyWire, "ftpd": onlyWire},
	},
	{
		folder: "bench/peers", own: []string{"bench/proc"}, others: []string{sys},
		why:   "a peer is a program and its configuration",
		never: map[string]string{"httpd": onlyWire, "ftpd": onlyWire},
	},
	{
		folder: "bench/servers", own: []string{"bench", "bench/load", "bench/peers", "bench/proc"}, others: []string{histogram},
		why:   "it speaks only the wire, so that it measures any server, and ours by the same means",
		never: map[string]string{"httpd": onlyWire, "ftpd": onlyWire},
	},
	{folder: "cmd/sluice/...", own: []string{"..."}, others: []string{"..."}},
	{
		folder: "internal/vfs", own: []string{"internal/fileid"}, others: []string{sys, afero},
		why: "every path of a client passes here, so that a review of this folder alone must be enough",
	},
	{
		folder: "internal/upload", own: []string{"internal/durable", "internal/partial", "internal/vfs"}, others: []string{afero, sys},
		why:   "how a file becomes whole does not depend on the protocol by which it comes",
		never: map[string]string{"httpd": noServer, "ftpd": noServer, "sendfile": "it hands out what to write to: who receives calls both"},
	},
	{
		folder: "internal/durable", own: []string{"internal/vfs"}, others: []string{sys},
		why: "what is on the disk when a client hears of it does not depend on the protocol, nor on what was changed",
	},
	{
		folder: "internal/live", own: []string{"sendfile", "metrics"},
		why:   "the record that both frontends fill is about what moves bytes and what observes them",
		never: map[string]string{"httpd": noServer, "ftpd": noServer, "internal/config": noConfig},
	},
	{
		folder: "internal/admin", own: []string{"internal/live", "internal/filecache", "metrics"}, others: []string{prometheus},
		why:   "it shows what the servers have recorded",
		never: map[string]string{"httpd": noServer, "ftpd": noServer, "internal/config": noConfig},
	},
	{folder: "internal/show", others: []string{ansi}, why: "how a figure looks does not depend on whose it is"},
	{
		folder: "internal/top", own: []string{"internal/admin", "internal/live", "internal/show"}, others: []string{bubbletea},
		why: "a view knows what it shows, and not where that comes from",
	},
	{folder: "internal/account", others: []string{afero}, why: "what guards the passwords has no code of strangers in it; of afero it names a type"},
	{folder: "internal/rate", why: "a token bucket needs a clock and nothing else"},
	{folder: "internal/h1", why: "what strangers send is taken apart by pure functions, which a review of this folder alone covers"},
	{
		folder: "internal/filecache", own: []string{"internal/vfs", "internal/fileid"}, others: []string{afero, sys},
		why:   "it keeps what the tree has opened and knows no protocol",
		never: map[string]string{"httpd": noServer, "ftpd": noServer},
	},
	{folder: "internal/archive", why: "the layout of an archive is arithmetic: who uses it opens the files"},
	{folder: "internal/digest", own: []string{"internal/fileid"}, why: "a checksum is about an open file, wherever it came from"},
	{folder: "internal/partial", why: "what no client may see is told by its name alone, to every frontend"},
	{folder: "internal/fileid", others: []string{sys}, why: "what a file is does not depend on who asks"},
	{
		folder: "internal/daemon", others: []string{sys, landlock, psx},
		why:   "what takes rights away from the process is reviewed alone, and knows nothing of what the process does",
		never: map[string]string{"httpd": noServer, "ftpd": noServer, "internal/config": noConfig},
	},
	{folder: "internal/certs", why: "what guards the keys of TLS has no code of strangers in it"},
	{
		folder: "internal/config", own: []string{"internal/account"}, others: []string{toml},
		why:   "the configuration is data: cmd/sluice turns it into servers",
		never: map[string]string{"httpd": noServer, "ftpd": noServer},
	},
	{folder: forTests, others: []string{sys, afero}, why: "the tests of every folder use it, so that it may depend on none"},
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

func report(t *testing.T, complaints []string) {
	t.Helper()
	for _, c := range complaints {
		t.Error(c)
	}
}

// checkComments wants one package comment in each folder, where all platforms
// and every reader find it. Test files count only where there are no others.
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

// checkImports wants every import, on whatever platform, to be in the table.
func checkImports(tree fs.FS, rules []rule) (complaints []string) {
	files, complaints := sources(tree, header)
	for folder, files := range byFolder(files) {
		r, ok := ruleFor(rules, folder)
		if !ok {
			complaints = append(complaints, folder+`: no rule for this folder: `+
				`add it to "Who may import whom" in DESIGN.md and to rules in house_test.go`)
			continue
		}
		for _, s := range slices.DeleteFunc(files, source.isTest) {
			for _, spec := range s.file.Imports {
				imported, _ := strconv.Unquote(spec.Path.Value) // the parser has seen to the quotes
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

// objection returns why r has something against an import, or "".
func (r rule) objection(imported string, onLinux bool) string {
	own, isOwn := strings.CutPrefix(imported, thisModule+"/")
	first, _, _ := strings.Cut(imported, "/")
	switch {
	case imported == "C":
		return "cgo: the binary is static and is built for every platform on any other"
	case isOwn && own == forTests:
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
		return "only in files that Linux does not build; " + r.why
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

// builtOnLinux reports whether the name and the build tags of a file, which
// parses, admit it on Linux.
func builtOnLinux(tree fs.FS, name string) bool {
	linux := build.Default
	linux.GOOS, linux.GOARCH = "linux", "amd64"
	linux.JoinPath = path.Join
	linux.OpenFile = func(name string) (io.ReadCloser, error) { return tree.Open(name) }
	ok, err := linux.MatchFile(path.Dir(name), path.Base(name))
	return ok || err != nil
}

// checkFormat wants every Go file as gofmt leaves it, those in testdata and
// in other modules too.
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

// checkAssertions wants every test to be able to fail: to call a method of its
// *testing.T that fails the test, or to pass it to a function that may. Fuzz
// targets are left out, because a panic is what they look for.
func checkAssertions(tree fs.FS) (complaints []string) {
	files, complaints := sources(tree, parser.SkipObjectResolution)
	for _, s := range files {
		if s.isCode() {
			continue
		}
		for _, decl := range s.file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") && len(testNames(f.Type)) > 0 && !asserts(f) {
				complaints = append(complaints, fmt.Sprintf("%s:%d: %s asserts nothing: its *testing.T is neither made to fail nor passed on",
					s.name, s.fset.Position(f.Pos()).Line, f.Name.Name))
			}
		}
	}
	return slices.Sorted(slices.Values(complaints))
}

// testNames returns the names of the parameters that are a *testing.T; one
// without a name is "_".
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

// asserts reports whether a test does more with its *testing.T, or with that of a
// subtest, than to call methods that fail no test.
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
		case *ast.Field: // a parameter with that name is no use of it
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

// silentMethods are the methods of a *testing.T that a test asserts nothing by.
// Some of them can fail it, though only because the machine does.
var silentMethods = []string{
	"ArtifactDir", "Attr", "Chdir", "Cleanup", "Context", "Deadline", "Failed", "Helper", "Log", "Logf", "Name", "Output", "Parallel",
	"Run", "Setenv", "Skip", "SkipNow", "Skipf", "Skipped", "TempDir",
}

// checkRequirements wants a line in DESIGN.md for every direct dependency: its
// module path, its version, and a reason of some words.
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
			complaints = append(complaints, fmt.Sprintf("go.mod requires %s, which DESIGN.md does not name: say there in one line at which version and why", module))
		case !exact:
			complaints = append(complaints, fmt.Sprintf("go.mod requires %s %s: the line in DESIGN.md does not name this version", module, version))
		case !reason:
			complaints = append(complaints, fmt.Sprintf("go.mod requires %s: the line in DESIGN.md gives no reason", module))
		}
	}
	return complaints
}

// directRequirements returns module path and version of each requirement that
// is not marked as indirect.
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

// header parses a file as far as its imports, which is all that most guards need.
const header = parser.ImportsOnly | parser.ParseComments

// A source is a Go file of this module.
type source struct {
	name string // slash-separated path from the top
	fset *token.FileSet
	file *ast.File
}

func (s source) isTest() bool { return strings.HasSuffix(s.name, "_test.go") }
func (s source) isCode() bool { return !s.isTest() }

// sources parses the Go files of this module for all platforms and tags in the
// given mode, and complains of those it cannot parse. Like the go command, it passes over
// testdata, folders with an underscore in front, and other modules.
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

// byFolder sorts files into their folders.
func byFolder(files []source) map[string][]source {
	folders := make(map[string][]source)
	for _, s := range files {
		folders[path.Dir(s.name)] = append(folders[path.Dir(s.name)], s)
	}
	return folders
}

// goFiles returns the names of all Go files, but not of those in hidden
// folders and in folders below the top that skip wants left out.
func goFiles(tree fs.FS, skip func(folder string) bool) (names []string) {
	_ = fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil: // gone since its folder was read: nothing to guard
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

// The tests below show each guard at work on a tree of one or two files.

// A model is a tree in a test: contents by name.
type model map[string]string

func (m model) tree() fs.FS {
	tree := make(fstest.MapFS)
	for name, src := range m {
		tree[name] = &fstest.MapFile{Data: []byte(src)}
	}
	return tree
}

func TestPackageCommentsGuard(t *testing.T) {
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
		{"misses a comment", model{"a/a.go": "package a\n"}, []string{"a: no package comment: write it in doc.go"}},
		{
			"does not take a build tag or a licence for one",
			model{"a/a.go": "// Copyright\n\n//go:build linux\n\npackage a\n"},
			[]string{"a: no package comment: write it in doc.go"},
		},
		{
			"does not take a test's", model{"a/a.go": "package a\n", "a/a_test.go": "// Package a does.\npackage a\n"},
			[]string{"a: no package comment: write it in doc.go"},
		},
		{
			"sees two",
			model{"a/a.go": "// Package a does.\npackage a\n", "a/doc.go": "// Package a too.\npackage a\n"},
			[]string{"a: 2 package comments, in a.go and doc.go: keep one"},
		},
		{
			"sees a side file", model{"a/a_linux.go": "// Package a does.\npackage a\n"},
			[]string{"a/a_linux.go: package comment in a side file: move it to doc.go"},
		},
		{
			"sees a wrong start", model{"a/a.go": "// This does.\n// So.\npackage a\n"},
			[]string{`a/a.go: package comment starts "This does.", want "Package a "`},
		},
		{
			"sees a wrong command", model{"cmd/x/main.go": "// Package main does.\npackage main\n"},
			[]string{`cmd/x/main.go: package comment starts "Package main does.", want "Command x "`},
		},
		{"passes over testdata and other modules", model{
			"testdata/a.go": "package a\n", "_old/a.go": "package a\n", ".git/a.go": "package a\n",
			"tools/go.mod": "module tools\n", "tools/a.go": "package a\n",
		}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) { compare(t, checkComments(tt.in.tree()), tt.want) })
	}
}

func TestImportsGuard(t *testing.T) {
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
		{"accepts what the rule names", model{"low/a.go": importing(lib + "/sub"), "side/a.go": importing("sluice/low")}, nil},
		{"accepts anything at the top", model{"high/a/b.go": importing("sluice/side"), "high/a.go": importing("example.com/any")}, nil},
		{"accepts anything in tests", model{"low/a_test.go": importing("sluice/high")}, nil},
		{"sees an edge with the reason of the rule", model{"low/a.go": importing("sluice/side")}, []string{
			"low/a.go:3: low may not import sluice/side: low is low",
		}},
		{"sees an edge with its own reason", model{"side/a.go": importing("sluice/high")}, []string{
			"side/a.go:3: side may not import sluice/high: not up",
		}},
		{"sees files of every platform", model{
			"low/a_windows.go": importing("sluice/side"),
			"low/b.go":         "//go:build plan9 && e2e\n\n" + importing("sluice/side"),
		}, []string{
			"low/a_windows.go:3: low may not import sluice/side: low is low",
			"low/b.go:5: low may not import sluice/side: low is low",
		}},
		{"sees other modules", model{"low/a.go": importing("example.com/library")}, []string{
			"low/a.go:3: low may not import example.com/library: low is low",
		}},
		{"sees that a folder below has no share in the rule", model{"low/a.go": importing("sluice/low/x"), "side/a.go": importing("sluice/low/x")}, []string{
			"low/a.go:3: low may not import sluice/low/x: low is low",
			"side/a.go:3: side may not import sluice/low/x: side is side",
		}},
		{"accepts some modules where Linux does not look", model{
			"side/a_windows.go": importing(lib),
			"side/b.go":         "//go:build !linux\n\n" + importing(lib),
		}, nil},
		{"sees them where Linux looks", model{"side/a_linux.go": importing(lib), "side/b.go": importing(lib)}, []string{
			"side/a_linux.go:3: side may not import example.com/lib: only in files that Linux does not build; side is side",
			"side/b.go:3: side may not import example.com/lib: only in files that Linux does not build; side is side",
		}},
		{"sees packages of the standard library that a rule excludes", model{
			"pure/a.go": importing("net/http"), "pure/b.go": importing("net"), "pure/c.go": importing("net/url"), "pure/a_test.go": importing("net/http"),
		}, []string{
			"pure/a.go:3: pure may not import net/http: pure is pure",
			"pure/b.go:3: pure may not import net: pure is pure",
		}},
		{"sees test helpers outside of tests", model{"high/a.go": importing("sluice/internal/nettest")}, []string{
			"high/a.go:3: high may not import sluice/internal/nettest: it is for _test files only",
		}},
		{"sees cgo", model{"high/a.go": importing("C")}, []string{
			"high/a.go:3: high may not import C: cgo: the binary is static and is built for every platform on any other",
		}},
		{"sees a folder without a rule", model{"new/a_test.go": "package p\n"}, []string{
			`new: no rule for this folder: add it to "Who may import whom" in DESIGN.md and to rules in house_test.go`,
		}},
		{"sees what it cannot parse", model{"low/a.go": "pakage p\n"}, []string{
			"low/a.go:1:1: expected 'package', found pakage",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) { compare(t, checkImports(tt.in.tree(), rules), tt.want) })
	}
}

// The table must be one that can be followed: no row allows what is forbidden
// elsewhere in it, and each has its say.
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

func TestFormatGuard(t *testing.T) {
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

func TestAssertionsGuard(t *testing.T) {
	const complaint = "a/a_test.go:1: TestA asserts nothing: its *testing.T is neither made to fail nor passed on"
	for _, tt := range []struct {
		name, test string
		fails      bool
	}{
		{"accepts what may fail", "func TestA(t *testing.T) { if f() { t.Error() } }", false},
		{"accepts a helper", "func TestA(t *testing.T) { helper(t) }", false},
		{"accepts a helper that keeps it", "func TestA(t *testing.T) { s := &server{t: t}; s.get() }", false},
		{"accepts a subtest that may fail", `func TestA(t *testing.T) { t.Run("x", func(tt *testing.T) { tt.Fatal() }) }`, false},
		{"accepts a method that is passed on", "func TestA(t *testing.T) { f(t.Errorf) }", false},
		{"accepts fuzz targets, benchmarks and TestMain", "func FuzzA(f *testing.F) { f.Fuzz(func(t *testing.T) {}) }; " +
			"func BenchmarkA(b *testing.B) {}; func TestMain(m *testing.M) {}", false},
		{"accepts a helper with such a name", "func TestA(name string) {}; func (s) TestB(t *testing.T) {}", false},
		{"sees a test that only calls", "func TestA(t *testing.T) { t.Parallel(); t.Helper(); f() }", true},
		{"sees a test without a name for it", "func TestA(*testing.T) { f() }", true},
		{"sees a test that ignores it", "func TestA(_ *testing.T) { _ = f() }", true},
		{"sees that a folder or a log is none", `func TestA(t *testing.T) { f(t.Context(), t.TempDir()); t.Log("x") }`, true},
		{"sees subtests that only call", `func TestA(t *testing.T) { t.Run("x", func(t *testing.T) { t.Parallel(); f() }) }`, true},
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

func TestRequirementsGuard(t *testing.T) {
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
		{"sees what is not named", "", []string{
			"go.mod requires example.com/one, which DESIGN.md does not name: say there in one line at which version and why",
			"go.mod requires example.com/two, which DESIGN.md does not name: say there in one line at which version and why",
			"go.mod requires example.com/three, which DESIGN.md does not name: say there in one line at which version and why",
		}},
		{"sees packages, other versions and bare names", "example.com/one/sub v1.0.0 does one thing\n" +
			"example.com/two v2.0.1 does a second thing\n" +
			"example.com/three v3.0.0-20260101000000-abcdef123456\n", []string{
			"go.mod requires example.com/one, which DESIGN.md does not name: say there in one line at which version and why",
			"go.mod requires example.com/two v2.0.0: the line in DESIGN.md does not name this version",
			"go.mod requires example.com/three: the line in DESIGN.md gives no reason",
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
