//go:build e2e

package e2e

import (
	"encoding/xml"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// h2Exceptions are the cases of h2spec in which every server that uses package net/http may
// deviate from RFC 9113.
var h2Exceptions = []string{
	"http2/4.2: Sends a large size HEADERS frame that exceeds the SETTINGS_MAX_FRAME_SIZE",
	"http2/6.5.3: Sends multiple values of SETTINGS_INITIAL_WINDOW_SIZE",
	"http2/8.1.2.2: Sends a HEADERS frame that contains the connection-specific header field",
	`http2/8.1.2.2: Sends a HEADERS frame that contains the TE header field with any value other than "trailers"`,
	// These deviate only if the response is complete before the client's error arrives.
	"http2/6.9.1: Sends multiple WINDOW_UPDATE frames increasing the flow control window to above 2^31-1 on a stream",
	`http2/8.1.2.6: Sends a HEADERS frame with the "content-length" header field which does not equal the DATA frame payload length`,
	`http2/8.1.2.6: Sends a HEADERS frame with the "content-length" header field which does not equal the sum of the multiple DATA frames payload length`,
}

func TestHTTP2ByH2spec(t *testing.T) {
	s := startSecure(t, "--tls-self-signed")
	s.file("index.html", 1000)
	report := filepath.Join(t.TempDir(), "report.xml")
	host := s.urls["https"]
	cmd := exec.Command("go", "tool", "-modfile=../../../tools/go.mod", "h2spec",
		"-h", host.Hostname(), "-p", host.Port(), "-t", "-k", "-P", "/", "-j", report)
	out, err := cmd.CombinedOutput() // the exit status is useless, because h2Exceptions make it a failure
	text, readErr := os.ReadFile(report)
	if readErr != nil {
		t.Fatalf("%v, %v\n%s", err, readErr, out)
	}
	var suites struct {
		Suites []struct {
			Cases []struct {
				Package string    `xml:"package,attr"`
				Name    string    `xml:"classname,attr"`
				Failure *struct{} `xml:"failure"`
				Error   *struct{} `xml:"error"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(text, &suites); err != nil {
		t.Fatal(err)
	}
	cases := 0
	for _, suite := range suites.Suites {
		for _, c := range suite.Cases {
			cases++
			name := c.Package + ": " + c.Name
			if (c.Failure != nil || c.Error != nil) && !slices.Contains(h2Exceptions, name) {
				t.Errorf("failed: %s", name)
			}
		}
	}
	if cases < 100 {
		t.Errorf("h2spec ran only %d cases", cases)
	}
	if t.Failed() {
		t.Logf("%s", out)
	}
}
