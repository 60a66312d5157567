package nettest

import (
	"io"
	"net/http"
	"testing"
)

// Exchange sends a request by do, such as the Do of an *http.Client, and returns the
// response with its whole body, which is closed.
func Exchange(t testing.TB, do func(*http.Request) (*http.Response, error), r *http.Request) (*http.Response, string) {
	t.Helper()
	resp, err := do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}
