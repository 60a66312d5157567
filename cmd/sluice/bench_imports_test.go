package main

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// heavy are packages that draw: with gonum.org/v1/plot they were a quarter of
// the program.
var heavy = regexp.MustCompile(`(?i)plot|latex|pdf|font|freetype|x/image|svgo|gonum/(blas|lapack|mat|stat)(/|$)`)

func TestTheProgramHasNoHeavyPackagesForCharts(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command to list the packages with")
	}
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := strings.Fields(string(out))
	if len(packages) < 100 {
		t.Fatalf("got %d packages, want the whole program: %q", len(packages), packages)
	}
	for _, name := range packages {
		if heavy.MatchString(name) {
			t.Errorf("the program holds %s; the charts of bench are drawn without it", name)
		}
	}
}
