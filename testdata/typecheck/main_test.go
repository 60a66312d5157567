package main

import (
	"os"
	"path/filepath"
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
	for platform, want := range map[string]string{
		"linux/amd64":   "",
		"linux/arm":     "(overflows)",
		"windows/amd64": `"os" imported and not used`,
		"netbsd/arm64":  "undefined: m.Missing",
	} {
		err := check(dir, platform)
		var got string
		if err != nil {
			got = err.Error()
		}
		if (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", platform, got, want)
		}
	}
	if err := check(dir, "none/none"); err == nil {
		t.Error("unknown platform: got no error")
	}
}
