package daemon

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"sluice/internal/config"
	"sluice/internal/sandbox"
	"sluice/s3fs"
)

// bucketKeys says where the credentials for a bucket come from. There is one place, chosen at the start: the file of
// --s3-credentials, the environment, the usual file, or the identity of the host (IAM). So a file that appears later, or
// cannot be read once, never changes who the server is.
type bucketKeys struct {
	file    string // "": another place
	profile string
	tokens  []string // files of tokens that IAM reads again and again
	place   string   // for messages

	opener *sandbox.Files // opens file; nil: the process itself can
	log    *slog.Logger
	failed atomic.Bool // the last reading of file, which was logged then
}

func newBucketKeys(o config.StoreOptions, logger *slog.Logger) *bucketKeys {
	k := &bucketKeys{log: logger, profile: cmp.Or(os.Getenv("AWS_PROFILE"), "default")}
	usual := os.Getenv("AWS_SHARED_CREDENTIALS_FILE")
	isNamed := usual != ""
	if home, err := os.UserHomeDir(); err == nil && !isNamed {
		usual = filepath.Join(home, ".aws", "credentials")
	}
	switch {
	case o.Anonymous:
		k.place = "none, as --s3-anonymous says"
	case o.CredentialsFile != "":
		k.file, k.place = o.CredentialsFile, o.CredentialsFile
	case os.Getenv("AWS_ACCESS_KEY_ID") != "" && os.Getenv("AWS_SECRET_ACCESS_KEY") != "":
		k.place = "the environment"
	case isNamed, usual != "" && exists(usual):
		k.file, k.place = usual, usual
	default:
		k.place = "the identity of this host (IAM), because there are no others"
		for _, variable := range []string{"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"} {
			if name := os.Getenv(variable); name != "" {
				k.tokens = append(k.tokens, name)
			}
		}
	}
	return k
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return !errors.Is(err, fs.ErrNotExist)
}

// source returns the function for s3fs.Config.Keys; nil: package s3fs finds the place by itself.
func (k *bucketKeys) source() func() (s3fs.Keys, error) {
	if k.file == "" {
		return nil
	}
	return k.read
}

// read reads the file. That it cannot be read any more is logged once.
func (k *bucketKeys) read() (s3fs.Keys, error) {
	content, err := k.opener.ReadFile(k.file)
	var keys s3fs.Keys
	if err == nil {
		keys, err = parseKeys(content, k.profile)
	}
	if err != nil {
		err = &keysError{k.file, err}
	}
	if before := k.failed.Swap(err != nil); err != nil && !before {
		k.log.Warn("the credentials for the object store cannot be read", "err", err)
	}
	return keys, err
}

// keysError is an error about the file of credentials.
type keysError struct {
	file string
	err  error
}

func (e *keysError) Error() string { return e.file + ": " + withoutName(e.err) }
func (e *keysError) Unwrap() error { return e.err }

// withoutName returns the text of an error without the name of its file.
func withoutName(err error) string {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err.Error()
	}
	return err.Error()
}

// files returns what the helper of the sandbox must open again and again.
func (k *bucketKeys) files() []string {
	if k.file == "" {
		return nil
	}
	return []string{k.file}
}

// dirs returns the directories with files that must be read again and again, under names that change.
func (k *bucketKeys) dirs() (all []string) {
	for _, name := range k.tokens {
		all = append(all, filepath.Dir(name))
	}
	return all
}

// check returns an error if a file of a token cannot be read any more.
func (k *bucketKeys) check(u *sandbox.User) error {
	for _, name := range k.tokens {
		f, err := os.Open(name)
		if err == nil {
			_ = f.Close()
			continue
		}
		err = fmt.Errorf("the token for the credentials of the bucket could not be read again: %w", err)
		if u != nil {
			err = fmt.Errorf("%w; %s", err, remedies(u, name))
		}
		return err
	}
	return nil
}

// parseKeys returns the keys of a profile in a file as ~/.aws/credentials. No error repeats a value.
func parseKeys(content []byte, profile string) (s3fs.Keys, error) {
	var keys s3fs.Keys
	section, isThere := "", false
	for lines, n := bufio.NewScanner(bytes.NewReader(content)), 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		if name, ok := strings.CutPrefix(line, "["); ok {
			name, ok = strings.CutSuffix(name, "]")
			if !ok {
				return s3fs.Keys{}, fmt.Errorf("line %d is no [PROFILE]", n)
			}
			section = strings.TrimSpace(name)
			isThere = isThere || section == profile
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			return s3fs.Keys{}, fmt.Errorf("line %d is neither a [PROFILE] nor a key with a value", n)
		}
		if section != profile {
			continue
		}
		value = strings.TrimSpace(value)
		switch strings.TrimSpace(key) {
		case "aws_access_key_id":
			keys.AccessKey = value
		case "aws_secret_access_key":
			keys.SecretKey = value
		case "aws_session_token":
			keys.SessionToken = value
		case "credential_process":
			return s3fs.Keys{}, fmt.Errorf("line %d: the server runs no program for credentials; let the program write them to a file for --s3-credentials", n)
		}
	}
	switch {
	case !isThere:
		return s3fs.Keys{}, fmt.Errorf("there is no profile [%s]; name another by AWS_PROFILE", profile)
	case keys.AccessKey == "" || keys.SecretKey == "":
		return s3fs.Keys{}, fmt.Errorf("the profile [%s] lacks aws_access_key_id or aws_secret_access_key", profile)
	}
	return keys, nil
}
