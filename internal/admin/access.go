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

// authorize reports whether the request is allowed. If not, it has sent the response
// and the connection will be closed.
func (h *Handler) authorize(w http.ResponseWriter, r *http.Request) bool {
	if h.isAuthorized(r) {
		return true
	}
	w.Header().Set("Connection", "close")
	if h.Token == "" {
		http.Error(w, "this host name is not allowed without a token; use localhost or 127.0.0.1", http.StatusMisdirectedRequest)
		return false
	}
	w.Header().Set("WWW-Authenticate", `Bearer realm="sluice"`)
	http.Error(w, "this server requires a token", http.StatusUnauthorized)
	return false
}

// isAuthorized reports whether the request is from an operator.
func (h *Handler) isAuthorized(r *http.Request) bool {
	if h.Token != "" {
		return hasToken(r, h.Token)
	}
	return isUnix(r) || namesLoopback(r.Host)
}

// hasToken compares in constant time, independent of the length of the token.
func hasToken(r *http.Request, token string) bool {
	scheme, shown, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	got, want := sha256.Sum256([]byte(strings.TrimLeft(shown, " "))), sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(got[:], want[:]) == 1 && strings.EqualFold(scheme, "Bearer")
}

// isUnix reports whether the request came over a unix socket.
func isUnix(r *http.Request) bool {
	_, ok := r.Context().Value(http.LocalAddrContextKey).(*net.UnixAddr)
	return ok
}

// namesLoopback reports whether a Host field is localhost or a loopback address.
func namesLoopback(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil { // without a port
		name = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	}
	if strings.EqualFold(name, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(name)
	return err == nil && ip.Unmap().IsLoopback()
}

// minTokenLength is enough for a random token that cannot be guessed.
const minTokenLength = 16

// CheckToken returns an error if a string is not a valid token: it is shorter than 16
// bytes, or has a byte that RFC 6750, section 2.1, does not allow. The error does not
// repeat the string.
func CheckToken(token string) error {
	const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/="
	if len(token) < minTokenLength {
		return fmt.Errorf("the token is shorter than %d bytes", minTokenLength)
	}
	if strings.ContainsFunc(token, func(r rune) bool { return !strings.ContainsRune(allowed, r) }) {
		return errors.New("the token has other bytes than letters, digits and -._~+/=")
	}
	return nil
}
