package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Each file has an error that appears on only one of the platforms.
func TestCheckSeesEachPlatform(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"go.mod":       "module m\n\ngo 1.26\n",
		"m.go":         "package m\n\nimport \"os\"\n\nvar _ = os.Args\n\nfunc f() int { return 1 << 40 }\n",
		"m_windows.go": "package m\n\nimport \"os\"\n",
		"m_test.go":    "//go:build netbsd\n\npackage m_test\n\nimport (\n\t\"m\"\n\t\"testing\"\n)\n\nfunc Test(*testing.T) { m.Missing() }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	wanted := map[string]string{
		"linux/amd64":   "",
		"linux/arm":     "(overflows)",
		"windows/amd64": `"os" imported and not used`,
		"netbsd/arm64":  "undefined: m.Missing",
	}
	platforms := slices.Sorted(maps.Keys(wanted))
	var reported []string
	for platform, err := range checkAll(dir, platforms) {
		reported = append(reported, platform)
		want := wanted[platform]
		var got string
		if err != nil {
			got = err.Error()
		}
		if (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", platform, got, want)
		}
	}
	if !slices.Equal(reported, platforms) {
		t.Errorf("reported %q, want %q", reported, platforms)
	}
	if err := check(dir, "none/none"); err == nil {
		t.Error("unknown platform: got no error")
	}
}

// A module that is imported may have an error in the body of a function, on one
// platform.
func TestCheckSeesErrorsInImportedModules(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"go.mod":             "module m\n\ngo 1.26\n\nrequire example.org/lib v0.0.0\n\nreplace example.org/lib => ./lib\n",
		"m.go":               "package m\n\nimport \"example.org/lib\"\n\nvar _ = lib.F\n",
		"lib/go.mod":         "module example.org/lib\n\ngo 1.26\n",
		"lib/lib_netbsd.go":  "package lib\n\nfunc F() { missing() }\n",
		"lib/lib_windows.go": "package lib\n\nfunc F() {}\n",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := check(dir, "windows/amd64"); err != nil {
		t.Errorf("without an error: got %v", err)
	}
	if err := check(dir, "netbsd/amd64"); err == nil || !strings.Contains(err.Error(), "undefined: missing") {
		t.Errorf("with an error: got %v, want one about the missing function", err)
	}
}
