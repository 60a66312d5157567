//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// maxProgramSize is the largest size in bytes of the stripped program for linux/amd64.
// If it is exceeded by megabytes at once, look first for a new caller of
// reflect.Value.MethodByName, such as a template: with one, the linker keeps every
// exported method.
const maxProgramSize = 21_500_000

func TestTheProgramIsSmall(t *testing.T) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("the limit is for linux/amd64")
	}
	program := filepath.Join(t.TempDir(), "sluice")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, "sluice/cmd/sluice")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	info, err := os.Stat(program)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > maxProgramSize {
		t.Errorf("the stripped program has %d bytes, want %d at most: see \"go list -deps\" and \"go tool nm -size\"", info.Size(), maxProgramSize)
	}
}
