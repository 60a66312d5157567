package dav_test

import (
	"encoding/xml"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/httpd/internal/dav"
)

const (
	declared = `<?xml version="1.0" encoding="utf-8"?>`
	entities = `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>`
)

func TestBodiesOfPropfind(t *testing.T) {
	x := dav.Name{Space: "x:", Local: "y"}
	length := dav.Name{Space: dav.Space, Local: "getcontentlength"}
	tests := []struct {
		name, body string
		want       dav.Find
		refused    bool
	}{
		{"no body asks for all", "", dav.Find{All: true}, false},
		{"white space is no body", " \n", dav.Find{All: true}, false},
		{"names", declared + `<propfind xmlns="DAV:"><propname/></propfind>`, dav.Find{Names: true}, false},
		{"two properties", `<D:propfind xmlns:D="DAV:" xmlns:p="x:"><D:prop><D:getcontentlength/><p:y/></D:prop></D:propfind>`, dav.Find{Props: []dav.Name{length, x}}, false},
		{"all and one more", `<D:propfind xmlns:D="DAV:"><D:allprop/><D:include><y xmlns="x:"/></D:include></D:propfind>`, dav.Find{All: true, Props: []dav.Name{x}}, false},
		{"an unknown element is ignored", `<D:propfind xmlns:D="DAV:"><e xmlns="x:"/><D:allprop/></D:propfind>`, dav.Find{All: true}, false},
		{"no XML", "hello", dav.Find{}, true},
		{"half of a document", `<D:propfind xmlns:D="DAV:"><D:allprop/>`, dav.Find{}, true},
		{"two documents", `<D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind><D:propfind xmlns:D="DAV:"/>`, dav.Find{}, true},
		{"another root", `<D:propertyupdate xmlns:D="DAV:"><D:allprop/></D:propertyupdate>`, dav.Find{}, true},
		{"another namespace", `<propfind><allprop/></propfind>`, dav.Find{}, true},
		{"nothing", `<D:propfind xmlns:D="DAV:"/>`, dav.Find{}, true},
		{"all and names", `<D:propfind xmlns:D="DAV:"><D:allprop/><D:propname/></D:propfind>`, dav.Find{}, true},
		{"a prefix that is not declared", `<D:propfind xmlns:D="DAV:"><D:prop><q:y/></D:prop></D:propfind>`, dav.Find{}, true},
		{"a prefix for nothing", `<D:propfind xmlns:D="DAV:"><D:prop><q:y xmlns:q=""/></D:prop></D:propfind>`, dav.Find{}, true},
		{"a DTD", entities + `<D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>`, dav.Find{}, true},
		{"an entity", `<D:propfind xmlns:D="DAV:"><D:prop>&a;<y xmlns="x:"/></D:prop></D:propfind>`, dav.Find{}, true},
		{"an element in an element in an element", `<D:propfind xmlns:D="DAV:">` + strings.Repeat("<D:prop>", 100) + strings.Repeat("</D:prop>", 100) + `</D:propfind>`, dav.Find{}, true},
		{"very long names of properties", `<D:propfind xmlns:D="DAV:"><D:prop>` + strings.Repeat(`<a xmlns="`+strings.Repeat("x", 1000)+`"/>`, 10) + `</D:prop></D:propfind>`, dav.Find{}, true},
		{"very many elements", `<D:propfind xmlns:D="DAV:"><D:allprop/>` + strings.Repeat("<D:a/>", 6000) + `</D:propfind>`, dav.Find{}, true},
		{"very many properties", `<D:propfind xmlns:D="DAV:"><D:prop>` + strings.Repeat("<D:a/>", 1000) + `</D:prop></D:propfind>`, dav.Find{}, true},
	}
	for _, test := range tests {
		got, err := dav.ParseFind([]byte(test.body))
		if (err != nil) != test.refused {
			t.Errorf("%s: error %v, want refused %v", test.name, err, test.refused)
		} else if diff := cmp.Diff(test.want, got); diff != "" && !test.refused {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestBodiesOfProppatch(t *testing.T) {
	body := declared + `<D:propertyupdate xmlns:D="DAV:" xmlns:q="q:">
		<D:set><D:prop xml:lang="de"><q:a>1 &lt; <q:b c="&quot;" q:d="e"/></q:a><p xmlns="">x</p></D:prop></D:set>
		<D:remove><D:prop><q:gone/></D:prop></D:remove>
	</D:propertyupdate>`
	got, err := dav.ParsePatch([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	want := []dav.Patch{
		{Property: dav.Property{Name: dav.Name{Space: "q:", Local: "a"}, Value: `1 &lt; <b xmlns="q:" c="&#34;" xmlns:a1="q:" a1:d="e"></b>`, Text: "1 < ", Lang: "de"}},
		{Property: dav.Property{Name: dav.Name{Local: "p"}, Value: "x", Text: "x", Lang: "de"}},
		{Remove: true, Property: dav.Property{Name: dav.Name{Space: "q:", Local: "gone"}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the steps (-want +got):\n%s", diff)
	}
	for _, p := range got {
		if !p.IsValid() {
			t.Errorf("%v could not be read again", p)
		}
	}
	if _, err := dav.ParsePatch(nil); err == nil {
		t.Error("no body is accepted")
	}
}

func TestAStoredPropertyThatIsNoXMLIsRefused(t *testing.T) {
	for _, p := range []dav.Property{
		{Name: dav.Name{Space: "x:", Local: "a b"}},
		{Name: dav.Name{Space: "x:", Local: "1"}},
		{Name: dav.Name{Space: "x:", Local: ""}},
		{Name: dav.Name{Space: "x:", Local: "a"}, Value: "</D:prop><D:href>/etc"},
		{Name: dav.Name{Space: "x:", Local: "a"}, Value: "a & b"},
		{Name: dav.Name{Space: "x:", Local: "a"}, Value: "<D:collection/>"},
	} {
		if p.IsValid() {
			t.Errorf("%+v is accepted", p)
		}
	}
}

func TestBodiesOfLock(t *testing.T) {
	const begin, end = `<D:lockinfo xmlns:D="DAV:">`, `</D:lockinfo>`
	const exclusive, write = `<D:lockscope><D:exclusive/></D:lockscope>`, `<D:locktype><D:write/></D:locktype>`
	tests := []struct {
		name, body string
		want       dav.LockInfo
		refused    bool
	}{
		{"no body refreshes", "", dav.LockInfo{Refresh: true}, false},
		{"exclusive", begin + exclusive + write + end, dav.LockInfo{}, false},
		{"shared", begin + `<D:lockscope><D:shared/></D:lockscope>` + write + end, dav.LockInfo{Shared: true}, false},
		{"an owner with an address", begin + exclusive + write + `<D:owner> <D:href>mailto:a@b</D:href> </D:owner>` + end, dav.LockInfo{Owner: "mailto:a@b"}, false},
		{"an owner in another namespace", begin + exclusive + write + `<D:owner><o:x xmlns:o="o:">Al &amp; Bo</o:x></D:owner>` + end, dav.LockInfo{Owner: "Al & Bo"}, false},
		{"both scopes", begin + `<D:lockscope><D:exclusive/><D:shared/></D:lockscope>` + write + end, dav.LockInfo{}, true},
		{"no scope", begin + write + end, dav.LockInfo{}, true},
		{"no type", begin + exclusive + end, dav.LockInfo{}, true},
		{"a very long owner", begin + exclusive + write + "<D:owner>" + strings.Repeat("x", 2000) + "</D:owner>" + end, dav.LockInfo{}, true},
	}
	for _, test := range tests {
		got, err := dav.ParseLock([]byte(test.body))
		if (err != nil) != test.refused || got != test.want && !test.refused {
			t.Errorf("%s: %+v (%v), want %+v, refused %v", test.name, got, err, test.want, test.refused)
		}
	}
}

func TestFieldIf(t *testing.T) {
	token := func(s string) dav.Condition { return dav.Condition{Token: s} }
	tests := []struct {
		field string
		want  []dav.IfList
	}{
		{"", nil},
		{"  ", nil},
		{`(<urn:a>)`, []dav.IfList{{"", []dav.Condition{token("urn:a")}}}},
		{`(<urn:a> ["e"]) (Not <DAV:no-lock>)`, []dav.IfList{{"", []dav.Condition{token("urn:a"), {ETag: `"e"`}}}, {"", []dav.Condition{{Not: true, Token: "DAV:no-lock"}}}}},
		{`(not[W/"e"])`, []dav.IfList{{"", []dav.Condition{{Not: true, ETag: `W/"e"`}}}}},
		{`</a>(<urn:a>)(["]"])<http://h/b>(<urn:b>)`, []dav.IfList{
			{"/a", []dav.Condition{token("urn:a")}}, {"/a", []dav.Condition{{ETag: `"]"`}}}, {"http://h/b", []dav.Condition{token("urn:b")}},
		}},
	}
	for _, test := range tests {
		got, err := dav.ParseIf(test.field)
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
			t.Errorf("%q: %v (-want +got):\n%s", test.field, err, diff)
		}
	}
	for _, malformed := range []string{
		"x", "()", "(<urn:a>", "(<urn:a)", "</a>", "</a></b>(<urn:a>)", "</a>(<urn:a>)</b>", "(<urn:a>)</b>(<urn:b>)", "(Not)", "(Not Not <a>)",
		"(<>)", "([e])", `(["])`, `(["e")`, "<>(<urn:a>)", "(urn:a)", strings.Repeat("(<urn:a>)", 101),
	} {
		if lists, err := dav.ParseIf(malformed); err == nil {
			t.Errorf("%q is accepted as %v", malformed, lists)
		}
	}
}

func TestSmallFields(t *testing.T) {
	for field, want := range map[string]time.Duration{
		"": 0, "Infinite": 0, "Infinite, Second-410000": 0, "Second-60": time.Minute, "x, Second-60": time.Minute, "Second-": 0, "Second-0": 0, "Second--1": 0,
		"Second-99999999999999999999": 0,
	} {
		if got := dav.ParseTimeout(field); got != want {
			t.Errorf("Timeout %q is %v, want %v", field, got, want)
		}
	}
	for field, want := range map[string]dav.Depth{"": dav.DepthInfinity, "0": dav.DepthZero, " 1 ": dav.DepthOne, "Infinity": dav.DepthInfinity, "2": -1, "1,noroot": -1} {
		got, err := dav.ParseDepth(field, dav.DepthInfinity)
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("Depth %q is %v, want %v", field, got, want)
		}
	}
	for field, want := range map[string]string{"": "", "<urn:a>": "urn:a", "urn:a": "", "<>": "", "<": ""} {
		if got, _ := dav.ParseLockToken(field); got != want {
			t.Errorf("Lock-Token %q is %q, want %q", field, got, want)
		}
	}
	for field, want := range map[string]string{"": "true", "T": "true", "F": "false", "no": "refused"} {
		got := "refused"
		if is, err := dav.ParseOverwrite(field); err == nil {
			got = map[bool]string{true: "true", false: "false"}[is]
		}
		if got != want {
			t.Errorf("Overwrite %q is %s, want %s", field, got, want)
		}
	}
}

// checkXML returns the error of a document that is not well-formed.
func checkXML(document string) error {
	d := xml.NewDecoder(strings.NewReader(document))
	for {
		if _, err := d.Token(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func TestWhatIsWrittenIsEscaped(t *testing.T) {
	var b strings.Builder
	m := dav.NewMultistatus(&b)
	evil := `"><D:href>/x</D:href>&` + "\x00\xff\r\n"
	_ = m.Properties(evil, dav.Result{Status: "200 OK", Props: []dav.Property{{Name: dav.Name{Space: evil, Local: "a"}, Lang: evil}}})
	_ = m.Failure(evil, "403 Forbidden", evil)
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	l := dav.ActiveLock{Owner: evil, Token: evil, Href: evil}
	for _, document := range []string{b.String(), dav.LockBody(l.XML()), dav.ErrorBody("propfind-finite-depth")} {
		if err := checkXML(document); err != nil {
			t.Errorf("not well-formed: %v\n%s", err, document)
		}
	}
	if n := strings.Count(b.String(), "<D:href>"); n != 2 {
		t.Errorf("%d elements href, want 2:\n%s", n, b.String())
	}
}

func FuzzBodies(f *testing.F) {
	f.Add([]byte(`<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><a xmlns="x:" b="c"><d/>e</a></D:prop></D:set></D:propertyupdate>`))
	f.Add([]byte(`<propfind xmlns="DAV:"><prop><a xmlns="x:"/></prop></propfind>`))
	f.Add([]byte(`<lockinfo xmlns="DAV:"><lockscope><shared/></lockscope><locktype><write/></locktype><owner>a</owner></lockinfo>`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var props []dav.Property
		if find, err := dav.ParseFind(body); err == nil {
			for _, name := range find.Props {
				props = append(props, dav.Property{Name: name})
			}
		}
		if patches, err := dav.ParsePatch(body); err == nil {
			for _, p := range patches {
				if !p.IsValid() {
					t.Errorf("%+v cannot be read again", p)
				}
				props = append(props, p.Property)
			}
		}
		if l, err := dav.ParseLock(body); err == nil {
			shown := dav.ActiveLock{Owner: l.Owner}
			if err := checkXML(dav.LockBody(shown.XML())); err != nil {
				t.Errorf("the lock is not well-formed: %v", err)
			}
		}
		var b strings.Builder
		m := dav.NewMultistatus(&b)
		_ = m.Properties("/", dav.Result{Status: "200 OK", Props: props})
		_ = m.Close()
		if err := checkXML(b.String()); err != nil {
			t.Errorf("not well-formed: %v\n%s", err, b.String())
		}
	})
}

func FuzzIf(f *testing.F) {
	f.Add(`</a>(Not <urn:a> ["e"])(["f"])`)
	f.Fuzz(func(t *testing.T, field string) {
		lists, err := dav.ParseIf(field)
		if err != nil && lists != nil {
			t.Error("an error with lists")
		}
		for _, l := range lists {
			if len(l.Conditions) == 0 || slices.ContainsFunc(l.Conditions, func(c dav.Condition) bool { return (c.Token == "") == (c.ETag == "") }) {
				t.Errorf("%q has the list %+v", field, l)
			}
		}
	})
}
