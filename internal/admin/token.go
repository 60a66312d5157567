package admin

import (
	"fmt"
	"os"
	"strings"
)

// tokenVariable holds the token if no file is named.
const tokenVariable = "SLUICE_ADMIN_TOKEN"

// TokenError says that the token in a file or in the environment is not valid.
type TokenError struct {
	Source string // flag and file, or variable
	Err    error  // of CheckToken
}

func (e *TokenError) Error() string {
	return fmt.Sprintf("%s: %v; make one by: head -c 24 /dev/urandom | base64", e.Source, e.Err)
}

func (e *TokenError) Unwrap() error { return e.Err }

// ReadToken returns the token in a file without its line end, or, if file is "",
// the variable SLUICE_ADMIN_TOKEN; "": neither. An invalid token is a *TokenError.
func ReadToken(readFile func(name string) ([]byte, error), file string) (string, error) {
	source, token := tokenVariable, os.Getenv(tokenVariable)
	if file != "" {
		content, err := readFile(file)
		if err != nil {
			return "", fmt.Errorf("--admin-token-file: %w", err)
		}
		source, token = "--admin-token-file "+file, strings.TrimRight(string(content), "\r\n")
	}
	if token == "" && file == "" {
		return "", nil
	}
	if err := CheckToken(token); err != nil {
		return "", &TokenError{source, err}
	}
	return token, nil
}
