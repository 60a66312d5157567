package ftpd_test

import (
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The package comment begins with a program, which must be one.
func TestTheProgramInTheDocsCompiles(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "doc.go", nil, parser.ParseComments|parser.PackageClauseOnly)
	if err != nil {
		t.Fatal(err)
	}
	var program strings.Builder
	for line := range strings.Lines(file.Doc.Text()) {
		code, ok := strings.CutPrefix(line, "\t")
		switch {
		case ok || line == "\n":
			program.WriteString(code)
			if !ok {
				program.WriteString("\n")
			}
		case program.Len() > 1: // the text after it
			build(t, program.String())
			return
		}
	}
	t.Error("there is no program")
}

// build compiles a program against this module.
func build(t *testing.T, program string) {
	t.Helper()
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("there is no compiler:", err)
	}
	dir := t.TempDir()
	name := filepath.Join(dir, "main.go")
	if err := os.WriteFile(name, []byte(program), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), goTool, "build", "-o", filepath.Join(dir, "program"), name).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s\n%s", err, out, program)
	}
}
