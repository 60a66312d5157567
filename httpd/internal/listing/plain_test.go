package listing_test

import (
	"bytes"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/httpd/internal/listing"
)

// plain returns the page for programs.
func plain(t testing.TB, path, query string, entries []fs.FileInfo) string {
	t.Helper()
	var b bytes.Buffer
	if err := listing.New(path, query, entries, []string{"zip", "tar"}).WritePlain(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestThePlainPage(t *testing.T) {
	got := plain(t, "/a & b/", "", []fs.FileInfo{
		entry{name: "d", dir: true, size: 4096}, entry{name: "empty"}, entry{name: "large", size: 1 << 62, age: 300 * 24 * time.Hour},
		entry{name: "a & b: <100%>.txt", size: 1023}, entry{name: "caf\xe9", size: 7}, entry{name: "Grüße", size: 8}, entry{name: " \n\t ", size: 9},
		entry{name: strings.Repeat("long", 20), size: 10}, entry{name: ".dot_-~", size: 11},
		dated{entry{name: "no date", size: 12}, time.Date(33658, 1, 1, 0, 0, 0, 0, time.UTC)},
	})
	const want = `<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
<title>Index of /a &amp; b/</title>
</head>
<body>
<h1>Index of /a &amp; b/</h1>
<hr><pre><a href="../">../</a>
<a href="d/">d/</a>                                                 01-Mar-2026 12:30                   -
<a href="%20%0A%09%20">&#32;&#10;&#9;&#32;</a>                                               01-Mar-2026 12:30                   9
<a href="%2Edot_-%7E">.dot_-~</a>                                            01-Mar-2026 12:30                  11
<a href="a%20%26%20b%3A%20%3C100%25%3E.txt">a &#38; b: &#60;100%&#62;.txt</a>                                  01-Mar-2026 12:30                1023
<a href="caf%E9">caf\uFFFD</a>                                               01-Mar-2026 12:30                   7
<a href="empty">empty</a>                                              01-Mar-2026 12:30                   0
<a href="Gr%C3%BC%C3%9Fe">Grüße</a>                                              01-Mar-2026 12:30                   8
<a href="large">large</a>                                              05-May-2025 12:30 4611686018427387904
<a href="longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong">longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong</a> 01-Mar-2026 12:30                  10
<a href="no%20date">no date</a>                                            -                                  12
</pre><hr>
</body>
</html>
`
	if diff := cmp.Diff(strings.ReplaceAll(want, `\uFFFD`, "\uFFFD"), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if page := plain(t, "/", "", nil); strings.Contains(page, "<a ") {
		t.Errorf("the empty top directory has links:\n%s", page)
	}
}

func TestThePlainPageIsSortedAndSearchedToo(t *testing.T) {
	page := plain(t, "/", "search=e&sort=size&limit=2", files("apple", "Bee", "cat", "eel"))
	if got, want := strings.Join(links(page), " "), "eel Bee"; got != want {
		t.Errorf("got links to %q, want %q:\n%s", got, want, page)
	}
}

// The page for browsers has buttons for all else, because wget2 and search engines
// follow every link.
func TestThePageForBrowsersHasNoOtherLinks(t *testing.T) {
	var b bytes.Buffer
	l := listing.New("/a/b/", "limit=2&offset=1&sort=size", files("w", "x", "y", "z"), []string{"zip", "tar", "tar.gz"})
	if err := l.WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(links(b.String()), " "), "./../../ ./../ ../ y x"; got != want {
		t.Errorf("got links to %q, want %q", got, want)
	}
	for _, want := range []string{
		`<form><input type="hidden" name="tar.gz" value=""><button>tar.gz</button></form>`,
		`<form><input type="hidden" name="limit" value="2"><input type="hidden" name="sort" value="time"><button>Modified (UTC)</button></form>`,
		`<form><input type="hidden" name="limit" value="2"><input type="hidden" name="order" value="desc"><input type="hidden" name="sort" value="size"><button>Size ▴</button></form>`,
		`<form><input type="hidden" name="limit" value="2"><input type="hidden" name="offset" value="3"><input type="hidden" name="sort" value="size"><button>next</button></form> of 4`,
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s is missing in\n%s", want, &b)
		}
	}
}

func TestSearchEnginesGetADirectoryOnce(t *testing.T) {
	for query, want := range map[string]bool{
		"": false, "sort=name": false, "utm=1": false,
		"sort=size": true, "order=desc": true, "search=a": true, "limit=1": true, "offset=1": true,
	} {
		page, _ := write(t, "/", query, files("a", "b"))
		if got := strings.Contains(page, `<meta name="robots" content="noindex">`); got != want {
			t.Errorf("?%s: noindex is %v, want %v", query, got, want)
		}
	}
}

func TestTheFormatsHaveTagsOfTheirOwn(t *testing.T) {
	l := listing.New("/", "", files("a"), nil)
	if plain, page := l.ETag("plain"), l.ETag("HTML"); plain == page || plain != l.ETag("plain") {
		t.Errorf("got %s, %s, %s, want the first and the last alone to be equal", plain, page, l.ETag("plain"))
	}
}
