package plan

import (
	"fmt"
	"html"
	"net/url"
	"slices"
	"strings"
)

// LoginPage says which page explains a Refusal to a person.
type LoginPage uint8

// The pages.
const (
	NoLoginPage LoginPage = iota // that of a failure, or no page at all
	LoginForm                    // asks for a name and a password
	LoginNoForm                  // says why no password can be sent
)

// loginPolicy lets no script run and no other site show the page. It has no
// Referrer-Policy: with no-referrer browsers send "Origin: null" with the form, which is
// refused.
const loginPolicy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// loginPage makes the page of a Refusal. The form leads to the path of the request
// itself, so that the response to it can lead back there: no target is in the form.
func loginPage(r *Request, f *Refusal) Response {
	resp := Response{Status: f.Status}
	form := ""
	if f.Page == LoginForm {
		query := loginWord
		if rest := QueryWithout(r.Query, loginWord, logoutWord); rest != "" {
			query += "&" + rest
		}
		form = fmt.Sprintf(loginFields, html.EscapeString("?"+query))
	}
	resp.fillLoginPage("Log in", html.EscapeString(f.Reason), form)
	return resp
}

// logoutPage makes the page by which users log out where no listing has the button.
func logoutPage(r *Request) Response {
	resp := Response{Status: statusOK}
	resp.fillLoginPage("Log out", "You are logged in as "+html.EscapeString(r.User)+".", logoutField)
	resp.Header.add("Cache-Control", "no-store")
	return resp
}

func (r *Response) fillLoginPage(title, text, form string) {
	r.Body = Body{textPiece(fmt.Sprintf(loginPageText, title, text, form))}
	r.Header.add("Content-Type", "text/html; charset=utf-8")
	r.Header.add("Content-Security-Policy", loginPolicy)
	r.Header.add("X-Content-Type-Options", "nosniff")
}

// QueryWithout returns a query without some words of it. The rest stays as the client
// has sent it.
func QueryWithout(raw string, words ...string) string {
	var kept []string
	for pair := range strings.SplitSeq(raw, "&") {
		name, _, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		if pair != "" && (err != nil || !slices.Contains(words, name)) {
			kept = append(kept, pair)
		}
	}
	return strings.Join(kept, "&")
}

// AfterLogin returns the reference to what a request is for, without the words of
// logins. It is relative to the request and has only the last element of its path, so that
// no request leads to another host.
func AfterLogin(r *Request) string {
	known := EncodedPath(r.URI)
	if known == "" {
		known = (&url.URL{Path: r.Path}).EscapedPath()
	}
	name, err := url.PathUnescape(known[strings.LastIndexByte(known, '/')+1:])
	if err != nil {
		name = ""
	}
	target := "./" + url.PathEscape(name)
	if rest := QueryWithout(r.Query, loginWord, logoutWord); rest != "" {
		target += "?" + rest
	}
	return target
}

// LoginStep returns what the query of a POST wants: "login", "logout" or "".
func LoginStep(rawQuery string) string {
	for _, word := range []string{loginWord, logoutWord} {
		if hasWord(rawQuery, word) {
			return word
		}
	}
	return ""
}

// logoutWord is the word in the query of a POST that ends a session.
const logoutWord = "logout"

const (
	loginPageText = `<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>%[1]s</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 20rem; margin: 15vh auto; padding: 0 1rem }
h1 { font-size: 1.5rem; margin: 0 }
label { display: block; margin: .75rem 0 }
input { display: block; box-sizing: border-box; width: 100%%; font: inherit; padding: .375rem .5rem; border: 1px solid #8888; border-radius: .25rem; background: transparent; color: inherit }
button { font: inherit; padding: .375rem 1rem; margin-top: .25rem }
</style>
<h1>%[1]s</h1>
<p role="alert">%[2]s</p>
%[3]s</html>
`
	loginFields = `<form method="post" action="%s">
<label>Name <input name="username" autocomplete="username" autocapitalize="none" spellcheck="false" required autofocus></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<button>Log in</button>
</form>
`
	logoutField = `<form method="post" action="?logout"><button>Log out</button></form>
`
)
