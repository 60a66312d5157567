package ftpd_test

import (
	"os"
	"strings"
	"testing"
)

func TestADirectoryNamedLikeAnUnfinishedUploadIsHidden(t *testing.T) {
	s := start(t, nil)
	if err := os.Mkdir(s.dir+"/.d.x.Sluice-Part", 0o755); err != nil {
		t.Fatal(err)
	}
	s.file(".d.x.Sluice-Part/f", 10)
	c := s.login()
	for _, line := range []string{
		"CWD @", "SIZE @/f", "MLST @/f", "STAT @", "RNFR @/f", "HASH @/f", "DELE @/f", "MKD @/g", "SITE SYMLINK @/f l", "AVBL @",
	} {
		c.want(550, strings.ReplaceAll(line, "@", ".d.x.Sluice-Part"))
	}
	for _, line := range []string{"LIST -a", "MLSD", "NLST"} {
		if got := c.get(epsv, line); strings.Contains(strings.ToLower(got), "sluice-part") {
			t.Errorf("%s shows\n%s", line, got)
		}
	}
	for _, line := range []string{"RETR .d.x.Sluice-Part/f", "STOR .d.x.Sluice-Part/g", "APPE .d.x.Sluice-Part/f"} {
		if got := c.codeOf(line); got != 550 && got != 553 {
			t.Errorf("%s: %d", line, got)
		}
	}
}
