package plan_test

import (
	"net/http"
	"strings"
	"testing"

	"sluice/httpd/internal/plan"
)

func TestTypeOf(t *testing.T) {
	for name, want := range map[string]string{
		"index.html":       "text/html",
		"A.TXT":            "text/plain",
		"x.tar.gz":         "application/gzip",
		"film.mp4":         "video/mp4",
		"feed.rss":         "application/rss+xml",
		"a.atom":           "application/atom+xml",
		"style.xsl":        "application/xslt+xml",
		"vpn.mobileconfig": "application/x-apple-aspen-config",
		"ann.vcf":          "text/vcard",
		"ca.crt":           "application/x-x509-ca-cert",
		"t.ods":            "application/vnd.oasis.opendocument.spreadsheet",
		"t.odp":            "application/vnd.oasis.opendocument.presentation",
		"chair.usdz":       "model/vnd.usdz+zip",
		"ext.xpi":          "application/x-xpinstall",
		"IMG_1.HEIC":       "image/heic",
		"old.3gp":          "video/3gpp",
		"noext":            "",
		"x.unknown":        "",
	} {
		if got := plan.TypeOf(name); got != want {
			t.Errorf("TypeOf(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestSniff(t *testing.T) {
	for _, tt := range []struct{ name, begin, want string }{
		{"a picture", "\x89PNG\r\n\x1a\n", "image/png"},
		{"a film", "\x1aE\xdf\xa3", "video/webm"},
		{"an archive", "PK\x03\x04", "application/zip"},
		{"gzip, by its registered name", "\x1f\x8b\x08", "application/gzip"},
		{"a text", "all: build\n", "text/plain; charset=utf-8"},
		{"nothing", "", "text/plain; charset=utf-8"},
		{"a text cut in a character", strings.Repeat("x", 16<<10-2) + "\xe2\x82", "text/plain; charset=utf-8"},
		{"a text that ends in a letter of Latin-1", "caf\xe9", "text/plain"},
		{"a text of Latin-1", "caf\xe9 noir", "text/plain"},
		{"a text of UTF-16", "\xff\xfea\x00", "text/plain; charset=utf-16le"},
		{"a page is shown as its source", "<!DOCTYPE html><script>alert(1)</script>", "text/plain; charset=utf-8"},
		{"XML is shown as its source", "<?xml version=\"1.0\"?><html xmlns=\"http://www.w3.org/1999/xhtml\"/>", "text/plain; charset=utf-8"},
		{"a program", "\x7fELF\x02\x01\x01\x00", "application/octet-stream"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := plan.Sniff([]byte(tt.begin), http.DetectContentType); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func FuzzSniffNeverRunsAnything(f *testing.F) {
	for _, begin := range []string{"<html>", "<svg onload=alert(1)>", "%PDF-1.4", "\xef\xbb\xbf<script>", " \n<!--", "%!PS-Adobe-"} {
		f.Add([]byte(begin))
	}
	f.Fuzz(func(t *testing.T, begin []byte) {
		got := plan.Sniff(begin, http.DetectContentType)
		for _, active := range []string{"html", "xml", "svg", "script", "css", "flash"} {
			if strings.Contains(got, active) {
				t.Errorf("%q: %s", begin, got)
			}
		}
	})
}
