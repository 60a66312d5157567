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

// times returns how often a test repeats something that fails only now and then: few in
// "make e2e", and 100 in "make torture".
func times(few int) int {
	if os.Getenv("TORTURE") != "" {
		return 100
	}
	return few
}

// onlyTorture selects the tests of tortures if TORTURE is set, unless the flag -run selects
// others.
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

// tortures returns the names of the tests in a directory that call times, directly or
// through other functions.
func tortures(dir string) (tests []string, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		return nil, err
	}
	callers := make(map[string][]string) // callers of each function
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
	for i := 0; i < len(reached); i++ { // reached grows in the loop
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

func TestTortureSelectsTheTestsThatCallTimes(t *testing.T) {
	tests, err := tortures(".")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{
		"TestAcknowledgedChangesSurviveAPowerCut":         true, // calls times
		"TestAFailedWriteIsReportedAndTheKeptPartIsRight": true, // calls a function that calls times
		"TestAPowerCutLosesUnsyncedChanges":               false,
		"TestMain":                                        false,
	} {
		if got := slices.Contains(tests, name); got != want {
			t.Errorf("%s: %v, want %v, of %q", name, got, want, tests)
		}
	}
}

// needsRoot skips the test if it does not run as root. In CI, where all tests must run, it
// fails the test.
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
