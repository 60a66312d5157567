package accesslog

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"unicode/utf8"

	"sluice/internal/config"
	"sluice/internal/live"
	"sluice/sendfile"
)

// An escape is up to six times as long as what it stands for.
func TestNoRequestMakesALineOfAnyLength(t *testing.T) {
	const size = 64 << 10
	for name, char := range map[string]string{"letters": "x", "control characters": "\x01", "bytes that are no UTF-8": "\xff", "quotes": `"`, "Japanese": "字", "U+202E": "\u202e"} {
		long := strings.Repeat(char, size/len(char))
		for _, rec := range []live.Record{
			{Op: "GET", Target: "/" + long, Proto: "HTTP/1.1", Status: 200, Referer: long, UserAgent: long, User: long, Result: sendfile.Result{Method: sendfile.Copy}},
			{Op: long, Target: long, Status: 403, Reason: long, Err: errors.New(long)},
			{Protocol: live.FTP, Op: retrieve, Path: "/" + long, User: long, Err: errors.New(long)},
			{Protocol: live.FTP, Op: "RNTO", Path: "/" + long, NewPath: "/" + long, User: long, Status: 250},
		} {
			for _, format := range config.LogFormats {
				var out bytes.Buffer
				log := New(&out, format)
				log.Record(rec)
				log.Flush()
				if out.Len() > size/4 {
					t.Errorf("%s, %s, %s: the line has %d bytes, want %d at most", name, format, rec.Op[:min(4, len(rec.Op))], out.Len(), size/4)
				}
				if format != config.LogXferlog && !strings.Contains(out.String(), "...+") {
					t.Errorf("%s, %s: nothing shows that the line was cut: %.200s", name, format, &out)
				}
				if n := strings.Count(out.String(), "\n"); n > 1 || !utf8.Valid(out.Bytes()) {
					t.Errorf("%s, %s: %d lines, valid UTF-8 %v", name, format, n, utf8.Valid(out.Bytes()))
				}
			}
		}
		for _, format := range []string{config.LogText, config.LogJSON} {
			var out bytes.Buffer
			log := New(&out, format)
			log.Logger().LogAttrs(t.Context(), slog.LevelWarn, "refused", slog.String("user", long), slog.Any("err", errors.New(long)))
			log.Flush()
			if out.Len() > size/4 || strings.Count(out.String(), "...+") != 2 {
				t.Errorf("%s, %s: the message has %d bytes: %.200s", name, format, out.Len(), &out)
			}
		}
	}
}

func TestValuesAreCutBetweenCharacters(t *testing.T) {
	for _, tt := range []struct{ name, value, want string }{
		{"a short value stays", "/a", "/a"},
		{"a value that fits stays", strings.Repeat("x", 60), strings.Repeat("x", 60)},
		{"the mark has the number of bytes", strings.Repeat("x", 61), strings.Repeat("x", 60) + "...+1"},
		{"an escape counts as its length", strings.Repeat("\n", 11), strings.Repeat("\n", 10) + "...+1"},
		{"a character is left out as a whole", strings.Repeat("x", 50) + "字字", strings.Repeat("x", 50) + "...+6"},
	} {
		if got := cut(tt.value, 60); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
