package listing_test

import (
	"fmt"
	"html"
	"io/fs"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// A found is what a program understands a row of the plain page to be.
type found struct {
	name     string
	dir      bool
	size     int64     // -1: the program does not read it
	modified time.Time // to the minute; zero: the program does not read it
}

var link = regexp.MustCompile(`(?is)<a\s[^>]*?href="([^"]*)"`)

// links returns the links of a page as a parser of HTML understands them.
func links(page string) (all []string) {
	for _, m := range link.FindAllStringSubmatch(page, -1) {
		all = append(all, html.UnescapeString(m[1]))
	}
	return all
}

// programs read a listing as the programs of these names do.
var programs = []struct {
	name  string
	read  func(t *testing.T, page string) []found
	all   bool // sizes and times too
	valid bool // only names in UTF-8
}{
	{"Kodi", readAsKodi, true, true},
	{"httpdirfs", readAsHTTPDirFS, false, false},
	{"rclone", readAsRclone, false, false},
	{"wget", readAsWget, false, false},
	{"a reader of nginx's listings", readAsNginx, true, false},
}

const base = "http://host/a%20b/"

// resolve returns the name that a link of the listing at base leads to, or false if it
// leads elsewhere.
func resolve(t *testing.T, ref string) (found, bool) {
	t.Helper()
	at, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	u, err := at.Parse(ref)
	if err != nil {
		t.Errorf("link %q: %v", ref, err)
		return found{}, false
	}
	name, below := strings.CutPrefix(u.EscapedPath(), at.EscapedPath())
	if !below || name == "" || u.Host != at.Host || u.RawQuery != "" || u.Fragment != "" || u.ForceQuery {
		return found{}, false
	}
	name, dir := strings.CutSuffix(name, "/")
	name, err = url.PathUnescape(name)
	return found{name: name, dir: dir, size: -1}, err == nil
}

// readAsWget follows every link below the directory, each once.
func readAsWget(t *testing.T, page string) (all []found) {
	t.Helper()
	for _, ref := range links(page) {
		if f, ok := resolve(t, ref); ok && !slices.Contains(all, f) {
			all = append(all, f)
		}
	}
	return all
}

// readAsRclone is parseName of rclone's backend/http.
func readAsRclone(t *testing.T, page string) (all []found) {
	t.Helper()
	at, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	for _, ref := range links(page) {
		u, err := url.Parse(ref)
		if err != nil {
			t.Errorf("link %q: %v", ref, err)
			continue
		}
		u = at.ResolveReference(u)
		if strings.Contains(u.String(), "?") || u.Host != at.Host || u.Scheme != at.Scheme || !strings.HasPrefix(u.Path, at.Path) {
			continue
		}
		name := u.Path[len(at.Path):]
		if slash := strings.Index(name, "/"); name == "" || slash >= 0 && slash != len(name)-1 {
			continue
		}
		name, dir := strings.CutSuffix(name, "/")
		all = append(all, found{name: name, dir: dir, size: -1})
	}
	return all
}

// readAsHTTPDirFS is linkname_to_LinkType of httpdirfs, which takes the link itself,
// without its escapes, for the name.
func readAsHTTPDirFS(t *testing.T, page string) (all []found) {
	t.Helper()
	for _, ref := range links(page) {
		alnum := regexp.MustCompile(`^[0-9A-Za-z%]`).MatchString(ref)
		if !alnum || strings.HasPrefix(ref, "http://") || strings.HasPrefix(ref, "https://") {
			continue
		}
		ref, dir := strings.CutSuffix(ref, "/")
		if strings.Contains(ref, "/") {
			continue
		}
		name, err := url.PathUnescape(ref)
		if err != nil {
			t.Errorf("link %q: %v", ref, err)
		}
		all = append(all, found{name: name, dir: dir, size: -1})
	}
	return all
}

const kodiSpace = " \t\n\v\f\r"

var (
	kodiItem = regexp.MustCompile(`(?is)<a href="([^"]*)"[^>]*>\s*(.*?)\s*</a>`)
	kodiNext = regexp.MustCompile(`(?i)<a|</tr`)
	kodiDate = regexp.MustCompile(`(?i)([0-9]{2}-[A-Z]{3}-[0-9]{4} [0-9]{2}:[0-9]{2})`)
	kodiSize = regexp.MustCompile(` +([0-9]+)(B|K|M|G)?(?:\s|<|$)`)
)

// readAsKodi is CHTTPDirectory::GetDirectory: an item is a link whose text is equal to
// the link without its escapes; date and size are in what comes before the next link.
func readAsKodi(t *testing.T, page string) (all []found) {
	t.Helper()
	for page != "" {
		m := kodiItem.FindStringSubmatchIndex(page)
		if m == nil {
			break
		}
		ref, text := page[m[2]:m[3]], page[m[4]:m[5]]
		page = page[m[1]:]
		rest := page
		if next := kodiNext.FindStringIndex(page); next != nil {
			rest = page[:next[0]]
		}
		rest = strings.Trim(rest, kodiSpace)

		text = strings.TrimSuffix(html.UnescapeString(strings.Trim(text, kodiSpace)), "/")
		ref, _, _ = strings.Cut(ref, "?")
		ref, _, _ = strings.Cut(ref, "#")
		ref = strings.NewReplacer("+", "%2b", ";", "%3b").Replace(html.UnescapeString(ref))
		ref, dir := strings.CutSuffix(ref, "/")
		name, err := url.QueryUnescape(ref)
		if err != nil {
			t.Errorf("link %q: %v", ref, err)
			continue
		}
		if text != name || name == ".." {
			continue
		}
		f := found{name: name, dir: dir, size: -1}
		if m := kodiDate.FindString(rest); m != "" {
			if f.modified, err = time.Parse("02-Jan-2006 15:04", m); err != nil {
				t.Error(err)
			}
		}
		if m := kodiSize.FindStringSubmatch(rest); m != nil && !dir {
			if f.size, err = strconv.ParseInt(m[1], 10, 64); err != nil || m[2] != "" {
				t.Errorf("size %q: %v", m[0], err)
			}
		}
		all = append(all, f)
	}
	return all
}

var nginxRow = regexp.MustCompile(`^<a href="([^"]*)">[^<]*</a> +(\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d|-) +(\d+|-)$`)

// readAsNginx reads line by line, as lftp and many scripts do.
func readAsNginx(t *testing.T, page string) (all []found) {
	t.Helper()
	for line := range strings.SplitSeq(page, "\n") {
		m := nginxRow.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		f, ok := resolve(t, m[1])
		if !ok {
			t.Errorf("the link %q leads elsewhere", m[1])
		}
		if m[2] != "-" {
			var err error
			if f.modified, err = time.Parse("02-Jan-2006 15:04", m[2]); err != nil {
				t.Error(err)
			}
		}
		if m[3] != "-" {
			var err error
			if f.size, err = strconv.ParseInt(m[3], 10, 64); err != nil {
				t.Error(err)
			}
		}
		all = append(all, f)
	}
	return all
}

// wantEverywhere checks that every program finds each entry once, with its name, and
// with its size and time if it reads them.
func wantEverywhere(t *testing.T, entries []fs.FileInfo) {
	t.Helper()
	page := plain(t, "/a b/", "", slices.Clone(entries))
	for _, p := range programs {
		got, want := map[string]found{}, map[string]found{}
		for _, f := range p.read(t, page) {
			if _, twice := got[f.name]; twice {
				t.Errorf("%s finds %q twice", p.name, f.name)
			}
			got[f.name] = f
		}
		for _, e := range entries {
			if p.valid && !utf8.ValidString(e.Name()) {
				delete(got, e.Name())
				continue
			}
			f := found{name: e.Name(), dir: e.IsDir(), size: -1}
			if p.all {
				f.modified = e.ModTime().Truncate(time.Minute)
				if !e.IsDir() {
					f.size = e.Size()
				}
			}
			want[f.name] = f
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(found{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s\nof\n%s", p.name, diff, page)
		}
	}
}

func TestEveryProgramFindsEachEntryOnce(t *testing.T) {
	var entries []fs.FileInfo
	for i, name := range []string{
		"plain.txt", "with  two spaces", " lead", "trail ", "Grüße, 東京 🌊", "100% #1 & more;+=.txt", `<b>"quoted"'s`, "colon:first",
		"http:", "javascript:x", "a?b", "?sort=size", "#", "semi;colon", "%41", "%2541", "caf\xe9", "new\nline", "tab\tx", ".dot", "...", "-", "_", "~home",
		"back\\slash", "&amp;", "&#65;", "a*[b]{c}|d", "x@y", "Parent Directory", "Name", "..x", strings.Repeat("x", 255), "12-Mar-2026 10:00  77",
	} {
		entries = append(entries, entry{name: name, size: int64(i), age: time.Duration(i) * 36 * time.Hour},
			entry{name: fmt.Sprint(name, " as a directory"), dir: true})
	}
	wantEverywhere(t, entries)
}

// The imitations must not be content with what the programs did not understand.
func TestTheImitationsFindNothingInOtherLinks(t *testing.T) {
	const page = `<pre><a href="?sort=size">?sort=size</a> <a href="./f">f</a>  <a href="/other/f">f</a> <a href="../">../</a> <a href="f">g</a></pre>`
	for _, p := range programs[:2] {
		var names []string
		for _, f := range p.read(t, page) {
			names = append(names, f.name)
		}
		want := map[string]string{"Kodi": "", "httpdirfs": "f"}[p.name]
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s finds %q, want %q", p.name, got, want)
		}
	}
}
