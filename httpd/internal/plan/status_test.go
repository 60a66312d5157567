package plan_test

import (
	"net/http"
	"net/textproto"
	"testing"
	"time"

	"sluice/httpd/internal/plan"
)

// The package cannot import net/http, whose tables and formats these are.
func TestTermsAreThoseOfNetHTTP(t *testing.T) {
	for status, text := range plan.StatusTexts {
		if want := http.StatusText(status); text != want && status != 460 { // which is of tus
			t.Errorf("%d is %q, want %q", status, text, want)
		}
	}
	for _, name := range []string{"cache-control", "X-FRAME-OPTIONS", "eTag", "x--y", "1a-b2", "-x", "x!y-z"} {
		if got, want := plan.CanonicalName(name), textproto.CanonicalMIMEHeaderKey(name); got != want {
			t.Errorf("%s in canonical form is %q, want %q", name, got, want)
		}
	}
	for _, date := range []string{
		"Sun, 01 Mar 2026 12:00:00 GMT", "Sunday, 01-Mar-26 12:00:00 GMT", "Sun Mar  1 12:00:00 2026", "2026-03-01", "",
		"Sun, 01 Mar 2026 12:00:00 UTC", "Sun, 32 Mar 2026 12:00:00 GMT",
	} {
		got, ok := plan.ParseDate(date)
		if want, err := http.ParseTime(date); ok != (err == nil) || ok && !got.Equal(want) {
			t.Errorf("%q is %v, %v, want %v, %v", date, got, ok, want, err)
		}
	}
	now := time.Now()
	if got, want := plan.FormatDate(now), now.UTC().Format(http.TimeFormat); got != want {
		t.Errorf("a date is %q, want %q", got, want)
	}
}
