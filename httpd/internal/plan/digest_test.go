package plan_test

import (
	"strings"
	"testing"

	"sluice/httpd/internal/plan"
)

func FuzzWantedDigest(f *testing.F) {
	for _, field := range []string{"sha-256=1", "sha-256=3, sha-512=10", ";=,", "sha-512=10;a=\"b,c\""} {
		f.Add(field)
	}
	f.Fuzz(func(t *testing.T, field string) {
		alg, ok := plan.WantedDigest(field)
		if ok && !strings.Contains(field, string(alg)+"=") {
			t.Errorf("%q: %s was not asked for", field, alg)
		}
	})
}
