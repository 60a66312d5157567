package s3fs_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/internal/nettest/s3store"
	"sluice/s3fs"
)

// Without other credentials those of the host sign the requests: of an ECS task, or of a Kubernetes pod (EKS Pod Identity).
// When they expire, there are others.
func TestTheIdentityOfTheHostSignsRequests(t *testing.T) {
	for name, usesFile := range map[string]bool{"a task": false, "a pod": true} {
		t.Run(name, func(t *testing.T) {
			issued := 0
			issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if got := r.Header.Get("Authorization"); got != "the token" {
					t.Errorf("the issuer got the token %q", got)
				}
				issued++
				_, _ = fmt.Fprintf(w, `{"AccessKeyId":"KEY%d","SecretAccessKey":"secret","Token":"session%[1]d","Expiration":%q}`, issued, time.Now().UTC().Format(time.RFC3339))
			}))
			t.Cleanup(issuer.Close)
			dir := t.TempDir()
			for _, variable := range []string{
				"AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_SESSION_TOKEN", "AWS_WEB_IDENTITY_TOKEN_FILE",
				"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
			} {
				t.Setenv(variable, "")
			}
			t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(dir, "none"))
			t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", issuer.URL)
			if usesFile {
				token := filepath.Join(dir, "token")
				if err := os.WriteFile(token, []byte("the token"), 0o600); err != nil {
					t.Fatal(err)
				}
				t.Setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", token)
			} else {
				t.Setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "the token")
			}

			store := s3store.New(t, "f")
			var mu sync.Mutex
			signed := make(map[string]string) // the session token of each key
			store.SetFault(func(_ int, _ http.ResponseWriter, r *http.Request) bool {
				_, credential, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
				key, _, _ := strings.Cut(credential, "/")
				mu.Lock()
				defer mu.Unlock()
				signed[key] = r.Header.Get("X-Amz-Security-Token")
				return false
			})
			files, err := s3fs.Open(t.Context(), s3fs.Config{Endpoint: store.URL, Bucket: s3store.Bucket, Region: "us-east-1"})
			if err != nil {
				t.Fatal(err)
			}
			defer files.Close()
			if _, err := files.Stat("/f"); err != nil {
				t.Fatal(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if signed["KEY1"] != "session1" || signed["KEY2"] != "session2" || signed[""] != "" {
				t.Errorf("the requests were signed by %q", signed)
			}
		})
	}
}
