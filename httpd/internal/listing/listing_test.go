package listing_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/httpd/internal/listing"
)

// An entry of a directory.
type entry struct {
	name string
	dir  bool
	size int64
	age  time.Duration
}

func (e entry) Name() string       { return e.name }
func (e entry) Size() int64        { return e.size }
func (e entry) IsDir() bool        { return e.dir }
func (e entry) ModTime() time.Time { return time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC).Add(-e.age) }
func (e entry) Sys() any           { return nil }
func (e entry) Mode() fs.FileMode {
	if e.dir {
		return fs.ModeDir
	}
	return 0
}

// write returns the page and the JSON of a listing.
func write(t testing.TB, path, query string, entries []fs.FileInfo) (page, text string) {
	t.Helper()
	l := listing.New(path, query, entries, nil)
	var p, j bytes.Buffer
	if err := errors.Join(l.WriteHTML(&p), l.WriteJSON(&j)); err != nil {
		t.Fatal(err)
	}
	return p.String(), j.String()
}

func TestListing(t *testing.T) {
	page, _ := write(t, "/a<b/", "", []fs.FileInfo{
		entry{name: "small", size: 1023}, entry{name: "zdir", dir: true}, entry{name: "big", size: 5 << 30},
		entry{name: "a:b", size: 1536}, entry{name: "100%\"'>", size: 0},
	})
	at := -1
	for _, want := range []string{ // in this order
		"<title>/a&lt;b/</title>",
		`<a href="../">../</a>`,
		`<a href="zdir/">zdir/</a><td><td>2026-03-01 12:30:00`,
		`<a href="100%25%22%27%3E">100%&#34;&#39;&gt;</a><td>0 B<td>`,
		`<a href="a%3Ab">a:b</a><td>1.5 KiB<td>`,
		`<a href="big">big</a><td>5.0 GiB<td>`,
		`<a href="small">small</a><td>1023 B<td>`,
	} {
		next := strings.Index(page, want)
		if next <= at {
			t.Errorf("%q is missing, or not in its place:\n%s", want, page)
		}
		at = next
	}
}

// files returns a file for each name. Each is smaller and older than the one before.
func files(names ...string) (entries []fs.FileInfo) {
	for i, name := range names {
		entries = append(entries, entry{name: name, size: int64(100 - i), age: time.Duration(i) * time.Hour})
	}
	return entries
}

func TestListingsAreSortedAndSearched(t *testing.T) {
	for _, tt := range []struct {
		query string
		want  string // names, in the order of the listing
	}{
		{"", "z/ apple Bee cat"},
		{"sort=name", "z/ apple Bee cat"},
		{"sort=name&order=desc", "z/ cat Bee apple"},
		{"sort=size", "z/ cat Bee apple"},
		{"sort=size&order=desc", "z/ apple Bee cat"},
		{"sort=time", "z/ cat Bee apple"},
		{"sort=time&order=desc", "z/ apple Bee cat"},
		{"sort=nonsense&order=nonsense", "z/ apple Bee cat"},
		{"search=E", "apple Bee"},
		{"search=%20", ""},
		{"limit=2", "z/ apple"},
		{"limit=2&offset=2", "Bee cat"},
		{"limit=2&offset=4", ""},
		{"offset=1", "apple Bee cat"},
		{"offset=99999999999999999999&limit=-1", "z/ apple Bee cat"},
		{"limit=1&offset=2000000000", ""},
		{"search=e&sort=size&limit=1", "Bee"},
		{"%zz&sort=size;&search=cat", "cat"},
	} {
		t.Run(tt.query, func(t *testing.T) {
			page, text := write(t, "/", tt.query, append(files("apple", "Bee", "cat"), entry{name: "z", dir: true}))
			var list []struct{ Name, Type, URL string }
			if err := json.Unmarshal([]byte(text), &list); err != nil {
				t.Fatalf("%v in\n%s", err, text)
			}
			var names []string
			at := 0
			for _, e := range list {
				name := e.Name
				if e.Type == "directory" {
					name += "/"
				}
				names = append(names, name)
				next := strings.Index(page[at:], `<a href="`+name+`">`+name+`</a>`)
				if next < 0 {
					t.Fatalf("%s is not in its place in\n%s", name, page)
				}
				at += next
			}
			if got := strings.Join(names, " "); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestListingInJSON(t *testing.T) {
	_, got := write(t, "/", "", []fs.FileInfo{
		entry{name: "d", dir: true}, entry{name: "a \"b\".txt", size: 0}, entry{name: "caf\xe9", size: 7},
	})
	const want = `[
{"name":"d","type":"directory","modified":"2026-03-01T12:30:00Z","url":"./d/"},
{"name":"a \"b\".txt","type":"file","size":0,"modified":"2026-03-01T12:30:00Z","url":"./a%20%22b%22.txt"},
{"name":"caf\ufffd","type":"file","size":7,"modified":"2026-03-01T12:30:00Z","url":"./caf%E9"}
]
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, got := write(t, "/", "", nil); got != "[\n]\n" {
		t.Errorf("of nothing: got %q", got)
	}
}

// A name that a stranger gives to a file must not become a part of the page (as in
// CVE-2023-38501).
func FuzzListing(f *testing.F) {
	for _, s := range []string{`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, "javascript:alert(1)", "a'b&amp;", "\xff\xfe", "../x", "\n", "="} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, name, search string) {
		if name == "" || strings.ContainsAny(name, "/\x00") || name == "." || name == ".." {
			return
		}
		if got, want := tags(plain(t, "/"+name+"/", "", files(name))), tags(plain(t, "/x/", "", files("x"))); got != want {
			t.Errorf("%q: the tags of the plain page are not as those of x (-x +it):\n%s", name, cmp.Diff(want, got))
		}
		wantEverywhere(t, files(name))
		harmless, _ := write(t, "/x/", "search=", files("x"))
		page, text := write(t, "/"+name+"/", "", files(name))
		nothing, _ := write(t, "/x/", "search=x", nil)
		searched, _ := write(t, "/x/", "search="+url.QueryEscape(search), nil)
		if tags(page) != tags(harmless) {
			t.Errorf("%q: the tags are not as those of x (-x +it):\n%s\nof\n%s", name, cmp.Diff(tags(harmless), tags(page)), page)
		}
		if search != "" && tags(searched) != tags(nothing) {
			t.Errorf("search %q: the tags are not as those of x (-x +it):\n%s\nof\n%s", search, cmp.Diff(tags(nothing), tags(searched)), searched)
		}
		for _, ref := range append(links(page), links(plain(t, "/"+name+"/", "", files(name)))...) {
			if strings.Contains(ref, ":") || strings.HasPrefix(ref, "/") {
				t.Errorf("%q: the link %q may lead to another scheme or host", name, ref)
			}
		}
		if strings.ContainsAny(page, "\x00") {
			t.Errorf("%q:\n%s", name, page)
		}
		var list []struct{ URL string }
		if err := json.Unmarshal([]byte(text), &list); err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		u, err := url.Parse(list[0].URL)
		if err != nil || u.Path != "./"+name || u.IsAbs() || u.Host != "" {
			t.Errorf("%q: the link %q leads to %+v, %v", name, list[0].URL, u, err)
		}
	})
}

var (
	tag   = regexp.MustCompile(`<[^"<>]*("[^"]*"[^"<>]*)*>`)
	value = regexp.MustCompile(`"[^"]*"`)
)

// tags returns the tags of a page with the names of their attributes, but without the values, which may have
// characters that are escaped or harmless there, such as =. Characters in the text that could begin or end a tag count
// as one. Names with other characters than ASCII stand in elements of their own, which do not count.
func tags(page string) string {
	page = strings.NewReplacer("<bdi>", "", "</bdi>", "").Replace(page)
	all := value.ReplaceAllString(strings.Join(tag.FindAllString(page, -1), "\n"), `""`)
	for _, text := range tag.Split(page, -1) {
		if strings.ContainsAny(text, `<>"`) {
			all += "\nin the text: " + text
		}
	}
	return all
}

func TestTagsFindInjectedTags(t *testing.T) {
	const harmless = `<p><a href="x">x</a>`
	for name, page := range map[string]string{
		"a tag in the text":             `<p><a href="x"><b></a>`,
		"the beginning of a tag":        `<p><a href="x"><b</a>`,
		"a quote that ends the value":   `<p><a href="x" onclick="y">x</a>`,
		"an attribute without a value":  `<p><a href="x"download>x</a>`,
		"a value that never ends":       `<p><a href="x">x</a><a href="`,
		"a tag that ends where it must": `<p><a href="x">>x</a>`,
	} {
		if tags(page) == tags(harmless) {
			t.Errorf("%s is not found in %s", name, page)
		}
	}
	for _, name := range []string{"=", "a=", "&lt;", "'"} {
		if page := `<p><a href="` + name + `">` + name + `</a>`; tags(page) != tags(harmless) {
			t.Errorf("%s has the tags\n%s", page, tags(page))
		}
	}
}

func BenchmarkListing(b *testing.B) {
	for _, n := range []int{100, 10_000, 50_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			entries := make([]fs.FileInfo, n)
			for i := range entries {
				entries[i] = entry{name: fmt.Sprintf("picture-%06d.jpeg", i), size: int64(i) * 1000}
			}
			b.ReportAllocs()
			for b.Loop() {
				write(b, "/", "", entries)
			}
		})
	}
}

// dated is an entry with a time of its own.
type dated struct {
	entry
	modified time.Time
}

func (d dated) ModTime() time.Time { return d.modified }

// An unusual time of one file must not remove the others from the listing.
func TestListingWithYearsThatNoDateCanExpress(t *testing.T) {
	var entries []fs.FileInfo
	for _, year := range []int{-1199, 2026, 33658} {
		entries = append(entries, dated{entry{name: fmt.Sprint(year)}, time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)})
	}
	_, got := write(t, "/", "", entries)
	const want = `[
{"name":"-1199","type":"file","size":0,"url":"./-1199"},
{"name":"2026","type":"file","size":0,"modified":"2026-01-01T00:00:00Z","url":"./2026"},
{"name":"33658","type":"file","size":0,"url":"./33658"}
]
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPreviousWithoutALimitIsAllOfIt(t *testing.T) {
	page, _ := write(t, "/", "offset=1", []fs.FileInfo{entry{name: "a"}, entry{name: "b"}})
	if want := `<form><button>previous</button></form>`; !strings.Contains(page, want) {
		t.Errorf("%s is missing:\n%s", want, page)
	}
}
