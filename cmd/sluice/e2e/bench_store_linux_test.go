//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"sluice/bench"
)

// Each server of a bucket is measured, with what it asks of the store.
func TestServersOfABucketAreCompared(t *testing.T) {
	store := os.Getenv("SLUICE_VERSITYGW")
	if store == "" {
		t.Fatal("SLUICE_VERSITYGW names no versitygw: tools/versitygw.sh builds one")
	}
	needs(t, "rclone")
	out := filepath.Join(t.TempDir(), "report.json")
	cmd := exec.CommandContext(t.Context(), program, "bench", "compare", "store", "--store-program", store, "--rounds", "1", "--time", "200ms", "--workloads", "1MiB", "--json", out,
		"--servers", "sluice-cache,sluice-redirect,sluice-2,rclone,versitygw")
	if printed, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	f, err := os.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	report, err := bench.ReadJSON(f)
	if err != nil {
		t.Fatal(err)
	}
	// Requests that are under way at the beginning or the end of the count count once.
	for subject, requests := range map[string][2]float64{
		"sluice-2": {0.9, 1.2}, "sluice-redirect": {1.8, 2.3}, "sluice-cache": {0, 0.5}, "rclone": {0.9, 2.3}, "versitygw": {0.9, 1.2},
	} {
		i := slices.IndexFunc(report.Cells, func(c bench.Cell) bool { return c.Subject == subject })
		if i < 0 {
			t.Errorf("%s was not measured: %q", subject, report.Notes)
			continue
		}
		units := []string{"cpu-s/GB", "MB/s", "p50-us"}
		if subject != "versitygw" {
			units = append(units, "store-cpu-s/GB", "MiB/process")
		}
		for _, unit := range units {
			if v, ok := report.Cells[i].Median(unit); !ok || v <= 0 && unit != "store-cpu-s/GB" {
				t.Errorf("%s: %s is %v, %v", subject, unit, v, ok)
			}
		}
		if v, ok := report.Cells[i].Median("store-req/GET"); !ok || v < requests[0] || v > requests[1] {
			t.Errorf("%s: %v requests to the store for a GET, want %v", subject, v, requests)
		}
	}
}
