package s3fs_test

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"sluice/s3fs"
)

func TestRequestsAreReported(t *testing.T) {
	s := newStore(t, "a", "d/b")
	var mu sync.Mutex
	var ops []string
	var failures []error
	files := s.open(t, func(c *s3fs.Config) {
		c.OnRequest = func(op string, took time.Duration, err error) {
			mu.Lock()
			defer mu.Unlock()
			ops, failures = append(ops, op), append(failures, err)
			if took < 0 || !slices.Contains(s3fs.Operations(), op) {
				t.Errorf("%s took %v", op, took)
			}
		}
	})
	if _, err := files.Stat("none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	f, err := files.Open("a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Read(make([]byte, 1)); err != nil {
		t.Error(err)
	}
	_ = f.Close()
	if want := []string{"list", "other", "head", "list", "head", "get"}; !slices.Equal(ops, want) {
		t.Errorf("got %q, want %q", ops, want)
	}
	for i, failure := range failures {
		status, isStatus := errors.AsType[s3fs.StatusError](failure)
		if wantsStatus := i == 2; isStatus != wantsStatus || wantsStatus && status != http.StatusNotFound || failure != nil && !isStatus {
			t.Errorf("request %d: got %v", i, failure)
		}
	}
}

func TestConnectionsInUseAreCounted(t *testing.T) {
	s := newStore(t)
	s.put("a", make([]byte, 8<<20))
	files := s.open(t, nil)
	if n := files.Connections(); n != 0 {
		t.Errorf("%d connections are in use before the first request", n)
	}
	f, err := files.Open("a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if n := files.Connections(); n != 1 {
		t.Errorf("%d connections are in use while a body is read, want 1", n)
	}
	if _, err := io.Copy(io.Discard, f); err != nil {
		t.Fatal(err)
	}
	if n := files.Connections(); n != 0 {
		t.Errorf("%d connections are in use after that, want none", n)
	}
	_ = f.Close()
}

func TestTheWordsOfTheStoreAreKnown(t *testing.T) {
	for _, tt := range []struct {
		status             int
		code               string
		isStore, isRefused bool
	}{
		{403, "AccessDenied", false, true},
		{403, "InvalidAccessKeyId", true, false},
		{404, "XAdminUserNotFound", true, false},
		{403, "SignatureDoesNotMatch", true, false},
		{404, "NoSuchBucket", true, false},
		{400, "AuthorizationHeaderMalformed", true, false},
	} {
		s := newStore(t)
		files := s.open(t, nil)
		s.setFault(func(_ int, w http.ResponseWriter, _ *http.Request) bool { refuse(w, tt.status, tt.code); return true })
		err := files.Check(t.Context())
		if got := s3fs.Code(err); got != tt.code || errors.Is(err, s3fs.ErrStore) != tt.isStore || errors.Is(err, fs.ErrPermission) != tt.isRefused {
			t.Errorf("%s: got %q, %v", tt.code, got, err)
		}
	}
	if got := s3fs.Code(fs.ErrNotExist); got != "" {
		t.Errorf("an error of no store has the code %q", got)
	}
}
