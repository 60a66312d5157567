package daemon

import (
	"regexp"
	"testing"

	"sluice/internal/config"
)

func TestEveryChangeOfAFileIsLogged(t *testing.T) {
	d := newLoginTest(t, confWith(t, tableOf("alice", "rights = ['all']")+tableOf("bob", "rights = ['list', 'read']"), func(c *config.Config) { c.AccessLog = true }))
	d.write(t, map[string]string{"f": "x", "g": "x", "h": "x"})
	alice, bob := d.logInFTP(t, "alice"), d.logInFTP(t, "bob")
	alice.cmd(t, 250, "DELE f")
	alice.cmd(t, 257, "MKD new")
	alice.cmd(t, 350, "RNFR g")
	alice.cmd(t, 250, "RNTO new/g")
	bob.cmd(t, 550, "DELE h")
	if status := d.request(t, "alice", "DELETE", "/h", ""); status != 204 {
		t.Errorf("DELETE: got %d", status)
	}
	d.daemon.log.Flush()
	log := d.reloadTest.log.String()
	const client = ` remote=127\.0\.0\.1:\d+ `
	for _, line := range []string{
		`msg=ftp` + client + `session=\d+ user=alice op=DELE path=/f status=250 took=`,
		`msg=ftp` + client + `session=\d+ user=alice op=MKD path=/new status=257 took=`,
		`msg=ftp` + client + `session=\d+ user=alice op=RNTO path=/g to=/new/g status=250 took=`,
		`msg=ftp` + client + `session=\d+ user=bob op=DELE path=/h status=550 took=\S+ err=`,
		`msg=http` + client + `op=DELETE target=/h status=204 user=alice `,
	} {
		if got := regexp.MustCompile(line).FindAllString(log, -1); len(got) != 1 {
			t.Errorf("%s: in %d lines of the log, want 1:\n%s", line, len(got), log)
		}
	}
}
