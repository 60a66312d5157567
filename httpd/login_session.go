package httpd

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"sluice/httpd/internal/plan"
	"sluice/internal/session"
)

// Sessions keeps the sessions of users who have logged in by the login page. The zero
// value keeps them in memory. Set its fields before [Server.Serve]:
//
//	File string             // keeps them over restarts, and shares them with other processes; "": none
//	Idle time.Duration      // how long one may be unused; zero: a day; negative: for ever
//	Lifetime time.Duration  // how long one lasts; zero: a week; negative: for ever
//	Logger *slog.Logger     // gets what is wrong with the file; nil: nothing
//
// Load reads the file, so that an error shows at the start; List and Revoke show and end
// sessions; Close waits for what is still being written.
type Sessions = session.Store

// A Session is what Sessions.List shows of one: nothing in it lets anybody in.
type Session = session.Session

// The cookies of sessions. Browsers accept a name with that prefix only over TLS and from
// this very host. The other one is for connections without TLS.
const (
	clearCookie  = "sluice-session"
	secureCookie = "__Host-" + clearCookie
)

// maxLoginForm bounds the body of a login.
const maxLoginForm = 64 << 10

var (
	badForm = plan.Refusal{
		Status: http.StatusBadRequest,
		Reason: "The login is malformed: it must be a form with username and password, in UTF-8.",
	}
	noSession = plan.Refusal{Status: http.StatusForbidden, Reason: "This user cannot log in by this page. Programs can send the password by Basic authentication."}
	notKept   = plan.Refusal{Status: http.StatusServiceUnavailable, Reason: "The session cannot be kept now. Try again soon.", RetryAfter: "1"}
	notEnded  = plan.Refusal{Status: http.StatusServiceUnavailable, Reason: "Logging out is not possible now. Try again soon.", RetryAfter: "1"}
)

// hasSessions reports whether there is a login page.
func (s *Server) hasSessions() bool { return s.Sessions != nil }

// asPage returns the form of a refusal for the client of r: a login page for a person
// with a browser, and the refusal itself for any other client.
func (s *Server) asPage(r *http.Request, f plan.Refusal) plan.Refusal {
	if s == nil || !s.hasSessions() || !isNavigation(r) {
		return f
	}
	f.Challenge = "" // a browser would open its own dialog
	switch f.Status {
	case http.StatusForbidden:
		f.Page = plan.LoginNoForm
	default:
		f.Page = plan.LoginForm
	}
	return f
}

// isNavigation reports whether a person sees the response as a page. Browsers send
// Sec-Fetch-Mode by TLS and on loopback. Otherwise they are known by what they accept and
// call themselves: wget2 and search engines accept HTML too.
func isNavigation(r *http.Request) bool {
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	return strings.Contains(r.Header.Get("Accept"), "text/html") && strings.HasPrefix(r.UserAgent(), "Mozilla/")
}

// serveLoginStep answers a POST that logs in or out.
func (s *Server) serveLoginStep(guest *Handler, w http.ResponseWriter, r *http.Request, by requester, step string) {
	_, c := connOf(r.Context())
	setUser(c.Conn().Session(), "", 0)
	refusal := checkOrigin(r) // also against a page that logs a person in as somebody else
	switch {
	case refusal != nil:
	case step == "login":
		by.user, refusal = s.logInByForm(w, r)
	default:
		by.user, refusal = s.logOut(w, r)
	}
	if refusal == nil {
		request := requestOf(r)
		refusal = &plan.Refusal{Status: http.StatusSeeOther, Reason: "Go on at the address in the field Location.", Location: plan.AfterLogin(&request)}
	} else {
		page := s.asPage(r, *refusal)
		refusal = &page
	}
	by.refusal = refusal
	guest.serveFor(w, r, by)
}

// logInByForm begins a session for the user whose password is in the body of r.
func (s *Server) logInByForm(w http.ResponseWriter, r *http.Request) (user string, refusal *plan.Refusal) {
	if !s.mayLogIn(r) {
		s.logNoLogin(s.loginClient(r), "", "TLS needed")
		return "", &clearLogin
	}
	typed, password, ok := loginForm(w, r)
	if !ok {
		return "", &badForm
	}
	acc, name, refusal := s.checkPassword(r, typed, password)
	if refusal != nil {
		return "", refusal
	}
	client := s.loginClient(r)
	present, err := s.AccountOf(r.Context(), client, typed)
	if err != nil || present == nil || present.PasswordID != acc.PasswordID {
		return "", &noSession // otherwise the session would end with the next request
	}
	token, begun, err := s.Sessions.Begin(typed, acc.PasswordID[:], client.Remote.Addr(), r.UserAgent())
	if err != nil {
		s.logger.Error("http session not kept", "user", name, "err", err)
		return "", &notKept
	}
	s.logger.Info("http session began", "remote", client.Remote.String(), "user", begun.User, "id", begun.ID)
	if before, ok := s.Sessions.Find(s.tokenOf(r)); ok {
		s.Sessions.Drop(s.tokenOf(r))
		s.logEnd(r, before, "logged in again")
	}
	http.SetCookie(w, sessionCookie(r, token))
	return name, nil
}

// logEnd logs that r has ended a session.
func (s *Server) logEnd(r *http.Request, ended Session, because string) {
	s.logger.Info("http session ended", "remote", s.loginClient(r).Remote.String(), "user", ended.User, "id", ended.ID, "because", because)
}

// loginForm reads the name and the password of a form.
func loginForm(w http.ResponseWriter, r *http.Request) (user, password string, ok bool) {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/x-www-form-urlencoded" {
		return "", "", false
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxLoginForm))
	if err != nil {
		return "", "", false
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || len(form["username"]) != 1 || len(form["password"]) != 1 {
		return "", "", false
	}
	user, password = form.Get("username"), form.Get("password")
	for _, text := range []string{user, password} {
		if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
			return "", "", false
		}
	}
	return user, password, true
}

// logOut ends the session of r.
func (s *Server) logOut(w http.ResponseWriter, r *http.Request) (user string, refusal *plan.Refusal) {
	token := s.tokenOf(r)
	ended, ok, err := s.Sessions.End(token)
	if err != nil {
		s.Sessions.Drop(token) // in this process it has ended
		s.logger.Error("http session not ended in the file", "err", err)
		return "", &notEnded
	}
	if ok {
		s.logEnd(r, ended, "logged out")
	}
	gone := sessionCookie(r, "")
	gone.MaxAge = -1
	http.SetCookie(w, gone)
	return ended.User, nil
}

// resume returns the account of the session that the cookie of r is of; nil without one.
// It costs no hash of a password.
func (s *Server) resume(r *http.Request) (acc *Account, name string, refusal *plan.Refusal) {
	token := s.tokenOf(r)
	if token == "" || !s.mayLogIn(r) {
		return nil, "", nil
	}
	found, ok := s.Sessions.Find(token)
	if !ok {
		return nil, "", nil
	}
	acc, err := s.AccountOf(r.Context(), s.loginClient(r), found.User)
	switch {
	case errors.Is(err, ErrUnavailable), r.Context().Err() != nil:
		return nil, "", &unavailable
	case err == nil && acc != nil && s.Sessions.IsOf(token, acc.PasswordID[:]):
		if name = acc.Name; name == "" {
			name = found.User
		}
		return acc, name, nil
	case err == nil, errors.Is(err, ErrLogin):
		s.Sessions.Drop(token)
		s.logEnd(r, found, "the user or the password is another")
	}
	return nil, "", nil
}

// sessionCookieEnd is h1conn.Server.SessionCookie.
func sessionCookieEnd(s *Sessions) string {
	if s == nil {
		return ""
	}
	return clearCookie + "="
}

// tokenOf returns the token in the cookies of r, or "". By TLS only the cookie counts
// that nobody on the way can have set.
func (s *Server) tokenOf(r *http.Request) string {
	if !s.hasSessions() || len(r.Header["Cookie"]) == 0 {
		return ""
	}
	names := []string{secureCookie, clearCookie}
	if r.TLS != nil {
		names = names[:1]
	}
	for _, name := range names {
		if c, err := r.Cookie(name); err == nil {
			return c.Value
		}
	}
	return ""
}

// sessionCookie returns the cookie of a token. It lasts until the browser ends, or the
// session.
func sessionCookie(r *http.Request, token string) *http.Cookie {
	c := &http.Cookie{Name: clearCookie, Value: token, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}
	// A page that was sent by TLS says so in Origin also behind a proxy that ends TLS. If
	// a client lies about itself, it gets a cookie that it does not send back.
	if r.TLS != nil || strings.HasPrefix(r.Header.Get("Origin"), "https://") {
		c.Name, c.Secure = secureCookie, true
	}
	return c
}
