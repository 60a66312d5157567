package ftpd_test

import (
	"slices"
	"testing"

	"sluice/ftpd"
)

func TestALineThatComesAsAnOperationEndsWaitsForThoseThatWereKept(t *testing.T) {
	for _, tt := range []struct{ kept, want []string }{
		{nil, []string{"SYST"}},
		{[]string{"NOOP", "ABOR"}, []string{"NOOP", "ABOR", "SYST"}},
	} {
		if got := ftpd.HoldForTest(tt.kept, "SYST"); !slices.Equal(got, tt.want) {
			t.Errorf("after %q: %q, want %q", tt.kept, got, tt.want)
		}
	}
}
