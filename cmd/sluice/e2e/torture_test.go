//go:build e2e

package e2e

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// times returns how often a test tries what goes wrong now and then only: a few times in
// "make e2e", and as often as a promise is to hold in "make torture".
func times(few int) int {
	if os.Getenv("TORTURE") != "" {
		return 100
	}
	return few
}

// onlyTorture leaves the other tests out where TORTURE is set, unless the flag -run says
// which to run.
func onlyTorture() error {
	flag.Parse()
	if os.Getenv("TORTURE") == "" || flag.Lookup("test.run").Value.String() != "" {
		return nil
	}
	tests, err := tortures(".")
	if err != nil {
		return err
	}
	return flag.Set("test.run", "^("+strings.Join(tests, "|")+")$")
}

// tortures returns the names of the tests in the files of a directory that call times, or
// call functions that do.
func tortures(dir string) (tests []string, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		return nil, err
	}
	callers := make(map[string][]string) // by the name of the function, or method, that they call
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, decl := range file.Decls {
			caller, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(caller, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok {
					if called, ok := call.Fun.(*ast.Ident); ok {
						callers[called.Name] = append(callers[called.Name], caller.Name.Name)
					}
				}
				return true
			})
		}
	}
	reached := []string{"times"}
	for i := 0; i < len(reached); i++ { // it grows
		for _, caller := range callers[reached[i]] {
			if !slices.Contains(reached, caller) {
				reached = append(reached, caller)
			}
		}
	}
	tests = slices.DeleteFunc(reached, func(name string) bool { return !strings.HasPrefix(name, "Test") })
	slices.Sort(tests)
	return tests, nil
}

func TestTortureRunsTheTestsThatTryOften(t *testing.T) {
	tests, err := tortures(".")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{
		"TestWhatAClientWasToldOfSurvivesAPowerCut":     true, // it calls times
		"TestAWriteThatFailsIsToldAndWhatIsKeptIsRight": true, // it calls what calls times
		"TestAPowerCutLosesWhatIsNotSynced":             false,
		"TestMain":                                      false,
	} {
		if got := slices.Contains(tests, name); got != want {
			t.Errorf("%s: %v, want %v, of %q", name, got, want, tests)
		}
	}
}

// needsRoot fails a test that mounts file systems if it may not, where all tests must run.
func needsRoot(t *testing.T) {
	t.Helper()
	switch {
	case os.Geteuid() == 0:
	case os.Getenv("CI") != "":
		t.Fatal("only root can do this")
	default:
		t.Skip("only root can do this")
	}
}
