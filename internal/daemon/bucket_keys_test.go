package daemon

import (
	"cmp"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/internal/config"
	"sluice/internal/nettest"
	"sluice/s3fs"
)

func TestKeysAreReadFromAProfile(t *testing.T) {
	const file = `# comment
[default]
aws_access_key_id = AKIA1
aws_secret_access_key=topsecret/1+=

; another
[ other ]
aws_access_key_id=AKIA2
aws_secret_access_key=topsecret2
aws_session_token = token==
region = eu-central-1
[process]
credential_process = /bin/get
[half]
aws_access_key_id = AKIA3
`
	for _, tt := range []struct {
		name, content, profile string
		want                   s3fs.Keys
		wrong                  string // in the error; "": none
	}{
		{"the default", file, "default", s3fs.Keys{AccessKey: "AKIA1", SecretKey: "topsecret/1+="}, ""},
		{"another profile", file, "other", s3fs.Keys{AccessKey: "AKIA2", SecretKey: "topsecret2", SessionToken: "token=="}, ""},
		{"no such profile", file, "none", s3fs.Keys{}, "no profile [none]"},
		{"a program", file, "process", s3fs.Keys{}, "runs no program"},
		{"half of it", file, "half", s3fs.Keys{}, "lacks"},
		{"an empty file", "", "default", s3fs.Keys{}, "no profile"},
		{"another format", "topsecret", "default", s3fs.Keys{}, "line 1"},
		{"a broken profile", "[default\n", "default", s3fs.Keys{}, "line 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseKeys([]byte(tt.content), tt.profile)
			switch {
			case (err == nil) != (tt.wrong == "") || err != nil && !strings.Contains(err.Error(), tt.wrong):
				t.Errorf("got the error %v, want %q", err, tt.wrong)
			case err != nil && strings.Contains(err.Error(), "topsecret"):
				t.Errorf("the error repeats a secret: %v", err)
			case err == nil && got != tt.want:
				t.Errorf("got another key")
			}
		})
	}
}

func TestThePlaceOfTheKeys(t *testing.T) {
	dir := nettest.TempDir(t)
	write := func(name string) string {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte("[default]\naws_access_key_id=a\naws_secret_access_key=b\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	usual, named, shared := write("home/.aws/credentials"), write("named"), write("shared")
	for _, tt := range []struct {
		name  string
		env   map[string]string
		conf  config.StoreOptions
		place string
		dirs  string
	}{
		{"a flag", map[string]string{"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}, config.StoreOptions{CredentialsFile: named}, named, ""},
		{"none", map[string]string{"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}, config.StoreOptions{Anonymous: true}, "none, as --s3-anonymous says", ""},
		{"the environment", map[string]string{"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}, config.StoreOptions{}, "the environment", ""},
		{"a variable", map[string]string{"AWS_SHARED_CREDENTIALS_FILE": shared}, config.StoreOptions{}, shared, ""},
		{"the usual file", map[string]string{"HOME": filepath.Join(dir, "home"), "USERPROFILE": filepath.Join(dir, "home")}, config.StoreOptions{}, usual, ""},
		{"the host", map[string]string{"AWS_WEB_IDENTITY_TOKEN_FILE": filepath.Join(dir, "tokens", "t")}, config.StoreOptions{}, "the identity of this host (IAM), because there are no others", filepath.Join(dir, "tokens")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SHARED_CREDENTIALS_FILE", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE"} {
				t.Setenv(name, tt.env[name])
			}
			home := cmp.Or(tt.env["HOME"], filepath.Join(dir, "nobody"))
			t.Setenv("HOME", home)
			t.Setenv("USERPROFILE", home)
			k := newBucketKeys(tt.conf, slog.New(slog.DiscardHandler))
			if got := strings.Join(k.dirs(), " "); k.place != tt.place || got != tt.dirs {
				t.Errorf("got %q and %q, want %q and %q", k.place, got, tt.place, tt.dirs)
			}
			if files := k.files(); (len(files) == 1) != (k.source() != nil) {
				t.Errorf("%q are read again, and a function to read is there: %v", files, k.source() != nil)
			}
		})
	}
}
