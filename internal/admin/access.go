package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// admits reports whether the client may ask. If not, it has been told so, and
// the connection is closed.
func (h *Handler) admits(w http.ResponseWriter, r *http.Request) bool {
	switch {
	case h.Token != "" && showsToken(r, h.Token):
		return true
	case h.Token == "" && (isUnix(r) || namesLoopback(r.Host)):
		return true
	}
	w.Header().Set("Connection", "close")
	if h.Token == "" {
		http.Error(w, "this is not a name of this machine alone; ask for localhost or 127.0.0.1", http.StatusMisdirectedRequest)
		return false
	}
	w.Header().Set("WWW-Authenticate", `Bearer realm="sluice"`)
	http.Error(w, "this needs the token of the server", http.StatusUnauthorized)
	return false
}

// showsToken compares in a time that tells nothing of the token, its length
// neither.
func showsToken(r *http.Request, token string) bool {
	scheme, shown, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	got, want := sha256.Sum256([]byte(strings.TrimLeft(shown, " "))), sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(got[:], want[:]) == 1 && strings.EqualFold(scheme, "Bearer")
}

// isUnix reports whether the request came by a socket in the file system.
func isUnix(r *http.Request) bool {
	_, ok := r.Context().Value(http.LocalAddrContextKey).(*net.UnixAddr)
	return ok
}

// namesLoopback reports whether the Host of a request is one that stands for
// the machine that says it, whatever DNS says.
func namesLoopback(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil { // no port
		name = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	}
	if strings.EqualFold(name, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(name)
	return err == nil && ip.Unmap().IsLoopback()
}

// shortestToken is what nobody guesses by trying, if it was made at random.
const shortestToken = 16

// CheckToken reports why a string cannot be a token: it is shorter than 16
// bytes, or has one that RFC 6750, section 2.1, does not allow. The error does
// not repeat it.
func CheckToken(token string) error {
	const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/="
	if len(token) < shortestToken {
		return fmt.Errorf("the token is shorter than %d bytes", shortestToken)
	}
	if strings.ContainsFunc(token, func(r rune) bool { return !strings.ContainsRune(allowed, r) }) {
		return errors.New("the token has other bytes than letters, digits and -._~+/=")
	}
	return nil
}
