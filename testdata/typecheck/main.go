// Command typecheck checks the types of all packages of the module in the working
// directory, including tests, for each of the given platforms.
//
//	go run ./testdata/typecheck linux/386 windows/amd64
//
// It finds the type errors that "go vet" would find, without compiling the imported
// packages and the runtime. For a platform without a build cache, that takes a second
// instead of a minute.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"iter"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("typecheck: ")
	if len(os.Args) < 2 {
		log.Fatal("usage: typecheck GOOS/GOARCH...")
	}
	failed := false
	for platform, err := range checkAll(".", os.Args[1:]) {
		fmt.Println(platform)
		if err != nil {
			failed = true
			fmt.Fprintln(os.Stderr, err)
		}
	}
	if failed {
		os.Exit(1)
	}
}

// checkAll yields the result of check for each platform, in their order. It checks as many at once as there are
// processors, because a check uses one.
func checkAll(dir string, platforms []string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		results := make([]chan error, len(platforms))
		turns := make(chan struct{}, runtime.GOMAXPROCS(0))
		for i, platform := range platforms {
			results[i] = make(chan error, 1)
			go func() {
				turns <- struct{}{}
				results[i] <- check(dir, platform)
				<-turns
			}()
		}
		for i, platform := range platforms {
			if !yield(platform, <-results[i]) {
				return
			}
		}
	}
}

// A listed package is an element of the output of "go list -json".
type listed struct {
	ImportPath string
	Dir        string
	GoFiles    []string          // includes the test files of a package built for a test
	ImportMap  map[string]string // from import paths in the source to those of vendored packages and of packages built for a test
	Module     *struct {
		Main      bool
		GoVersion string
	}
}

// check type-checks the packages below dir and all that they import.
func check(dir, platform string) error {
	goos, goarch, _ := strings.Cut(platform, "/")
	list := exec.Command("go", "list", "-deps", "-test", "-json=ImportPath,Dir,GoFiles,ImportMap,Module", "./...")
	list.Dir = dir
	list.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0")
	list.Stderr = os.Stderr
	out, err := list.StdoutPipe()
	if err != nil {
		return err
	}
	if err := list.Start(); err != nil {
		return err
	}
	c := checker{
		sizes:   types.SizesFor("gc", goarch),
		fset:    token.NewFileSet(),
		checked: map[string]*types.Package{"unsafe": types.Unsafe},
	}
	for packages := json.NewDecoder(out); ; { // go list prints a package after those that it imports
		var p listed
		if err := packages.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return errors.Join(err, list.Process.Kill(), list.Wait())
		}
		if p.ImportPath != "unsafe" && !strings.HasSuffix(p.ImportPath, ".test") { // ".test" is a main package made by the go command
			c.check(p)
		}
	}
	return errors.Join(errors.Join(c.errors...), list.Wait())
}

// A checker checks packages for one platform.
type checker struct {
	sizes   types.Sizes
	fset    *token.FileSet
	checked map[string]*types.Package
	errors  []error
}

func (c *checker) fail(err error) { c.errors = append(c.errors, err) }

// check type-checks a package. It skips function bodies of the standard library, which
// compiles for all platforms; other modules may not.
func (c *checker) check(p listed) {
	var files []*ast.File
	for _, name := range p.GoFiles {
		f, err := parser.ParseFile(c.fset, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			c.fail(err)
			continue
		}
		files = append(files, f)
	}
	config := types.Config{
		IgnoreFuncBodies: p.Module == nil,
		Sizes:            c.sizes,
		Error:            c.fail,
		Importer: importer(func(path string) (*types.Package, error) {
			if mapped, ok := p.ImportMap[path]; ok {
				path = mapped
			}
			if imported, ok := c.checked[path]; ok {
				return imported, nil
			}
			return nil, errors.New("go list did not list it before the package that imports it")
		}),
	}
	if p.Module != nil && p.Module.GoVersion != "" {
		config.GoVersion = "go" + p.Module.GoVersion
	}
	path, _, _ := strings.Cut(p.ImportPath, " ") // "PATH [TEST]" is PATH built for a test
	c.checked[p.ImportPath], _ = config.Check(path, c.fset, files, nil)
}

type importer func(path string) (*types.Package, error)

func (f importer) Import(path string) (*types.Package, error) { return f(path) }
