package httpd

import (
	"crypto/tls"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"sluice/httpd/internal/plan"
	"sluice/internal/account"
	"sluice/internal/budget"
	"sluice/internal/live"
	"sluice/internal/rate"
	"sluice/internal/vfs"
)

// Account is a user: name, file system, rights and limits. [Server.Login] returns it.
// Package ftpd has the same type. Its fields are:
//
//	Name string               // in hooks and limits; "": the name that the client has sent
//	FS   afero.Fs             // the user's file system; nil: there are no files
//	Home string               // the directory of FS that is the user's root; "": all of FS
//	Rights Rights             // zero: none
//	Paths *Paths              // rights at paths below Home, instead of Rights; nil: none
//	HideDotFiles bool         // hides names that begin with a dot, except .well-known
//
//	MaxSessions int           // connections at one time; 0: no limit
//	MaxRate int64             // bytes per second of all its responses; 0: no limit
//	MaxRatePerTransfer int64  // bytes per second of each response; 0: no limit
//	PasswordID PasswordID     // 32 bytes, others after a change of the password: its sessions end then
//	Volume *Volume            // counts the files of FS, and keeps a reserve of its disk; nil: nothing does
//	Quota Quota               // what may be below Home; it needs a Volume
//
// FS is used by many goroutines at once. Accounts with the same FS, Paths and rights share
// what is kept open of it, so Login should return the same FS and the same Paths each
// time. The caller closes the FS after the server.
type Account = account.Account

// Rights is a set of permissions, a bit each. Its method Has reports whether it
// contains all of another set.
type Rights = account.Rights

// Paths are rights that differ by path, for Account.Paths and Handler.Paths. They do not
// change once they are made.
//
// The longest path that a name is in decides, alone. A directory that leads to a path
// with any right can be entered; where its rights allow no listing, its listing has only
// the names on the way to such paths. The rights to a symbolic link are those of its name
// that hold at the file that it leads to, too.
//
// The methods At, Below, Sees, Passes, Union, WithRoot, Limit, Equal and All are for packages that
// check rights.
type Paths = account.Paths

// PathRights are the rights at a path, and at everything below it. Its fields are
//
//	Path   string // absolute and clean
//	Rights Rights
type PathRights = account.PathRights

// NewPaths returns the rights of all, in any order. The error says which path is no
// absolute, clean path, or is given twice. The right Link is taken from all: a link could
// lead from one path to another.
func NewPaths(all ...PathRights) (*Paths, error) { return account.NewPaths(all...) }

// The rights that count by HTTP.
const (
	List   = account.List   // see the names, sizes and times of files
	Read   = account.Read   // download files and get their checksums
	Create = account.Create // make files under new names
	Change = account.Change // replace files
	Delete = account.Delete // remove files and directories
	Rename = account.Rename // move files and directories, see Handler.WebDAV
)

// PasswordID identifies the password of an account, and is as secret as its hash.
type PasswordID = account.PasswordID

// Throttle counts failed logins by address (IPv6: by /64 network), by name and by both. The zero
// value is ready for use. Package ftpd has the same type, and describes its fields and
// methods.
type Throttle = account.Throttle

// UserRates has the rates of users, see [Account]: MaxRate. The zero value is ready for use. Package
// ftpd has the same type. It has no methods.
type UserRates = rate.Users

// Budget is what the clients of servers share, see [Handler]. The zero value is ready for use. Package ftpd has the
// same type. It has no methods.
type Budget = budget.Shared

// userRates returns the UserRates in use.
func (s *Server) userRates() *UserRates {
	if s.UserRates != nil {
		return s.UserRates
	}
	return &s.ownRates
}

// Client is the client that wants to log in.
type Client struct {
	Session uint64               // the number of the connection in Server.Live
	Remote  netip.AddrPort       // as Transfer.Remote
	Local   netip.AddrPort       // address of this host
	TLS     *tls.ConnectionState // nil: the password came in clear
}

var (
	// ErrLogin is for Server.Login to return, or to wrap, for a wrong name or password.
	ErrLogin = errors.New("login incorrect")

	// ErrUnavailable is for Server.Login to return, or to wrap, if it cannot check the
	// password. The client gets 503, and the attempt does not count as a failed login.
	ErrUnavailable = errors.New("login is not possible now")
)

// challenge is the value of WWW-Authenticate.
const challenge = `Basic realm="Files", charset="UTF-8"`

var (
	needsLogin = plan.Refusal{Status: http.StatusUnauthorized, Reason: "Log in with a name and a password.", Challenge: challenge}
	wrongLogin = plan.Refusal{Status: http.StatusUnauthorized, Reason: "The name or the password is wrong.", Challenge: challenge}
	otherLogin = plan.Refusal{Status: http.StatusUnauthorized, Reason: "Log in with a name and a password, by Basic authentication.", Challenge: challenge}
	badLogin   = plan.Refusal{Status: http.StatusBadRequest, Reason: "The field Authorization is malformed: it must be Basic and the base64 of name:password, in UTF-8."}
	clearLogin = plan.Refusal{
		Status: http.StatusForbidden,
		Reason: "Passwords are accepted over https only, because others could read them here. Use an https address; the operator can allow this one by --insecure-login.",
	}
	noHome      = plan.Refusal{Status: http.StatusForbidden, Reason: "Your home directory cannot be opened. Only the operator of this server can help."}
	unavailable = plan.Refusal{Status: http.StatusServiceUnavailable, Reason: "Logging in is not possible now. Try again soon.", RetryAfter: "1"}
	tooMany     = plan.Refusal{Status: http.StatusTooManyRequests, Reason: "You have too many connections. Close some, or wait until they are idle.", RetryAfter: "5"}
)

// loginRefusal returns the response that asks the client of r for a password, or that
// says why it must not send one.
func loginRefusal(r *http.Request) plan.Refusal {
	if s, _ := connOf(r.Context()); s != nil && !s.mayLogIn(r) {
		return clearLogin
	}
	return needsLogin
}

// mayLogIn reports whether a password may be sent with r.
func (s *Server) mayLogIn(r *http.Request) bool {
	if r.TLS != nil || s.InsecureLogin {
		return true
	}
	_, c := connOf(r.Context())
	return c != nil && isLocal(c.RemoteAddr())
}

// isLocal reports whether what comes from a is sent over no network.
func isLocal(a net.Addr) bool {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap().IsLoopback()
	}
	_, ok := a.(*net.UnixAddr)
	return ok
}

// serveLogin answers a request of net/http as its client may see the files. guest is
// the Handler for clients that send no password.
func (s *Server) serveLogin(guest *Handler, w http.ResponseWriter, r *http.Request) {
	by := requester{begin: time.Now()}
	_, c := connOf(r.Context())
	session := c.Conn().Session()
	if r.Method == http.MethodPost && s.hasSessions() {
		if step := plan.LoginStep(r.URL.RawQuery); step != "" {
			s.serveLoginStep(guest, w, r, by, step)
			return
		}
	}
	var acc *Account
	var name string
	var refusal *plan.Refusal
	if len(r.Header["Authorization"]) > 0 { // it wins over a cookie: a client that sends it means it
		acc, name, refusal = s.logIn(r)
	} else {
		acc, name, refusal = s.resume(r)
		by.bySession = acc != nil
	}
	if acc == nil && refusal == nil {
		setUser(session, "", 0)
		s.admitted(guest, r).serveFor(w, r, by)
		return
	}
	if refusal == nil && setUser(session, name, acc.MaxSessions) != nil {
		refusal = &tooMany
	}
	if refusal == nil {
		h, err := s.accounts.acquire(s.accountOptions(guest), acc, rate.OfUser(s.userRates(), name, acc.MaxRate))
		if err == nil {
			defer s.accounts.release(h)
			by.user = name
			h.serveFor(w, r, by)
			return
		}
		by.user, refusal = name, &noHome
		if failure := vfs.StoreFailure(err); failure != nil {
			refusal = new(plan.Refusal)
			refusal.Status, refusal.Reason = plan.OfStore(failure)
		}
	} else {
		setUser(session, "", 0)
	}
	by.refusal = refusal
	guest.serveFor(w, r, by)
}

// accountOptions returns Accounts, or guest if that is nil.
func (s *Server) accountOptions(guest *Handler) *Handler {
	if s.Accounts != nil {
		return s.Accounts
	}
	return guest
}

// setUser sets the user of a connection. It costs little if that stays the same.
func setUser(session *live.Session, name string, limit int) error {
	if session.User() == name {
		return nil
	}
	return session.SetUser(name, limit)
}

// logIn checks the password of a request, and returns the account and its name, or the
// response that refuses it.
func (s *Server) logIn(r *http.Request) (acc *Account, name string, refusal *plan.Refusal) {
	user, password, refusal := basicLogin(r.Header["Authorization"])
	if !s.mayLogIn(r) {
		s.logNoLogin(s.loginClient(r), user, "TLS needed")
		return nil, "", &clearLogin
	}
	if refusal != nil {
		return nil, "", refusal
	}
	return s.checkPassword(r, user, password)
}

// checkPassword returns the account of a user and its name, or the response that refuses
// the login of r. All failures are answered late, and counted.
func (s *Server) checkPassword(r *http.Request, user, password string) (acc *Account, name string, refusal *plan.Refusal) {
	client := s.loginClient(r)
	leave, retryAfter := s.logins.enter(r.Context(), client.Remote.Addr(), user, password)
	if leave == nil {
		reason := "banned"
		if retryAfter < loginBan {
			reason = "too many at one time"
		}
		s.logNoLogin(client, user, reason)
		return nil, "", tooManyLogins(retryAfter)
	}
	failed := false
	defer func() { // also if Login panics
		if leave(failed) {
			refusal = tooManyLogins(loginBan)
		}
	}()
	acc, err := s.Login(r.Context(), client, user, password)
	switch {
	case errors.Is(err, ErrUnavailable), r.Context().Err() != nil:
		return nil, "", &unavailable
	case err != nil || acc == nil:
		failed = true
		return nil, "", &wrongLogin
	}
	s.logins.throttle.Succeeded(user, client.Remote.Addr())
	if name = acc.Name; name == "" {
		name = user
	}
	return acc, name, nil
}

// tooManyLogins returns the response to a client that may try again after some time.
func tooManyLogins(retryAfter time.Duration) *plan.Refusal {
	return &plan.Refusal{
		Status:     http.StatusTooManyRequests,
		Reason:     "Too many failed logins from your address. Try again later.",
		RetryAfter: strconv.Itoa(int(max(retryAfter, time.Second).Seconds())),
	}
}

// logNoLogin logs a login whose password was not checked.
func (s *Server) logNoLogin(client Client, user, reason string) {
	const maxName = 100 // bytes
	s.logger.Warn("http login not possible", "remote", client.Remote.String(), "session", client.Session, "user", user[:min(len(user), maxName)], "reason", reason)
}

func (s *Server) loginClient(r *http.Request) Client {
	_, c := connOf(r.Context())
	return Client{
		Session: c.Conn().Session().ID(),
		Remote:  s.clientOf(live.AddrPortOf(c.RemoteAddr()), r.Header.Values("X-Forwarded-For"), r.Header.Values("Forwarded")),
		Local:   live.AddrPortOf(c.LocalAddr()),
		TLS:     r.TLS,
	}
}

// basicLogin parses the lines of the field Authorization (RFC 7617), or returns the
// response that refuses them.
func basicLogin(lines []string) (user, password string, refusal *plan.Refusal) {
	if len(lines) != 1 {
		return "", "", &badLogin
	}
	scheme, credentials, _ := strings.Cut(lines[0], " ")
	switch {
	case scheme == "":
		return "", "", &badLogin
	case !strings.EqualFold(scheme, "Basic"):
		return "", "", &otherLogin
	}
	decoded, err := base64.StdEncoding.Strict().DecodeString(strings.Trim(credentials, " "))
	user, password, found := strings.Cut(string(decoded), ":")
	if err != nil || !found || !utf8.Valid(decoded) || strings.ContainsFunc(string(decoded), unicode.IsControl) {
		return "", "", &badLogin
	}
	return user, password, nil
}

// CacheStats describes the files that the Handlers for guests and for accounts keep
// open. It may be called at any time.
func (s *Server) CacheStats() (all CacheStats) {
	add := func(h *Handler) {
		stats := h.CacheStats()
		all.Entries += stats.Entries
		all.Files += stats.Files
		all.Memory += stats.Memory
		all.Opens += stats.Opens
	}
	if files := s.files.Load(); files != nil {
		add(files)
	}
	for _, h := range s.accounts.list() {
		add(h.Handler)
	}
	return all
}
