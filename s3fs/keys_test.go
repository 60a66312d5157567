package s3fs

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestKeysAreAskedForEveryMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked, failure := 0, error(nil)
		c := Config{Keys: func() (Keys, error) {
			asked++
			return Keys{AccessKey: "key", SecretKey: "secret", SessionToken: time.Now().String()}, failure
		}}
		creds := c.credentials()
		get := func() string {
			t.Helper()
			v, err := creds.GetWithContext(nil)
			if err != nil || v.AccessKeyID != "key" || v.SecretAccessKey != "secret" || v.SignerType.IsAnonymous() {
				t.Fatalf("got %q, %v", v.AccessKeyID, err)
			}
			return v.SessionToken
		}
		first := get()
		time.Sleep(keysAge)
		if get() != first || asked != 1 {
			t.Errorf("they were asked for %d times within a minute", asked)
		}
		time.Sleep(time.Second)
		second := get()
		if second == first || asked != 2 {
			t.Errorf("after a minute they were asked for %d times, want twice", asked)
		}
		failure = errors.New("it is being written")
		time.Sleep(keysAge + time.Second)
		if get() != second || asked != 3 {
			t.Errorf("after a failure they are others, or were asked for %d times", asked)
		}
		failure = nil
		time.Sleep(keysAge + time.Second)
		if get() == second {
			t.Error("after the failure they stay the same")
		}
	})
}

func TestKeysThatCannotBeHadFail(t *testing.T) {
	failure := errors.New("no file")
	c := Config{Keys: func() (Keys, error) { return Keys{}, failure }}
	if _, err := c.credentials().GetWithContext(nil); !errors.Is(err, failure) {
		t.Errorf("got %v, want %v", err, failure)
	}
}
