package daemon

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"sluice/internal/account"
)

// The rules that WebDAV adds to the table.
var (
	finds          = func(c cell) bool { return c.has(account.List) || c.isDrop() }
	copies         = func(c cell) bool { return c.rights.Has(account.Read | account.Create) }
	replaces       = func(c cell) bool { return c.rights.Has(account.Read | account.Change) }
	copiesD        = func(c cell) bool { return c.rights.Has(account.Read | account.List | account.Create) }
	deletesD       = func(c cell) bool { return c.rights.Has(account.Delete | account.List) }
	replacesByMove = func(c cell) bool { return c.rights.Has(account.Rename | account.Change) }
)

// davMatrix has the requests that a server with WebDAV answers in another way.
var davMatrix = []matrixRow{
	{"OPTIONS @/f", always, "", ""},
	{"PROPFIND @/ Depth=0", finds, "", ""}, {"PROPFIND @/ Depth=1", finds, "f", ""}, {"PROPFIND @/f Depth=0", shows, "f", ""}, {"PROPFIND @/f Depth=1", shows, "f", ""},
	{"PROPFIND @/e Depth=1", shows, "", ""}, {"PROPFIND @/ Depth=infinity", never, "", ""}, {"PROPFIND @/none Depth=0", never, "", ""},
	{"PROPPATCH @/f", alters, "", ""}, {"PROPPATCH @/none", never, "", ""},
	{"MKCOL @/n", makesD, "", ""}, {"MKCOL @/none/n", never, "", ""}, {"MKCOL @/f", never, "", ""}, {"MKCOL @/e", never, "", ""},
	{"COPY @/f Destination=@/n", copies, "", ""}, {"COPY @/f Destination=@/d/g", replaces, "", ""}, {"COPY @/d Destination=@/n", copiesD, "", ""},
	{"COPY @/none Destination=@/n", never, "", ""}, {"COPY @/f Destination=@/none/n", never, "", ""},
	{"MOVE @/f Destination=@/n", renames, "", ""}, {"MOVE @/d Destination=@/n", renames, "", ""}, {"MOVE @/f Destination=@/d/g", replacesByMove, "", ""},
	{"MOVE @/none Destination=@/n", never, "", ""}, {"MOVE @/f Destination=@/d/g Overwrite=F", never, "", ""},
	{"LOCK @/f", alters, "", ""}, {"LOCK @/e", alters, "", ""}, {"LOCK @/n", makesD, "", ""}, {"LOCK @/none/n", never, "", ""},
	{"UNLOCK @/f", alters, "", ""}, {"UNLOCK @/none", never, "", ""},
	{"DELETE @/f", deletes, "", ""}, {"DELETE @/e", deletes, "", ""}, {"DELETE @/d", deletesD, "", ""}, {"DELETE @/none", never, "", ""}, {"DELETE @/?upload=none", never, "", ""},
	{"PUT @/n If=(Not<DAV:no-lock>)", makes, "", ""}, {`PUT @/n If=<@/f>(["none"])`, never, "", ""},
}

// davBodies are the bodies of requests.
var davBodies = map[string]string{
	"PROPPATCH": `<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:getlastmodified>Wed, 01 Jan 2020 00:00:00 GMT</D:getlastmodified></D:prop></D:set></D:propertyupdate>`,
	"LOCK":      exclusiveLock,
}

// byWebDAV is byHTTP with the bodies of WebDAV. No lock stays after it.
func (m *matrixTest) byWebDAV(t *testing.T, line string) (ok bool, reply, data string) {
	t.Helper()
	words := strings.Fields(line)
	if words[0] == "UNLOCK" {
		token := "<urn:uuid:none>"
		if !strings.Contains(words[1], "none") && !strings.Contains(words[1], "/z") {
			if resp := m.dav(t, m.user, "LOCK", words[1], exclusiveLock); resp.StatusCode < 300 {
				token = resp.Header.Get("Lock-Token")
			}
		}
		line += " Lock-Token=" + token
	}
	ok, reply, data = m.byHTTP(t, line)
	if token := regexp.MustCompile(`urn:uuid:[-0-9a-f]+`).FindString(data); words[0] == "LOCK" && ok {
		if resp := m.dav(t, m.user, "UNLOCK", words[1], "", "Lock-Token", "<"+token+">"); resp.StatusCode != http.StatusNoContent {
			t.Errorf("%s, and UNLOCK: %s", line, resp.Status)
		}
	}
	isPart := strings.Contains(data, "HTTP/1.1 4") || strings.Contains(data, "HTTP/1.1 5") // of what was to be done
	return ok && !isPart, reply, data
}
