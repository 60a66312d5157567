package accesslog

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/config"
	"sluice/internal/live"
	"sluice/internal/nettest"
	"sluice/sendfile"
)

// records are written in each format, in this order.
var records = []live.Record{
	{
		Remote: netip.MustParseAddrPort("192.0.2.1:50000"), Op: "GET", Target: "/pub/a%20b.iso?download", Proto: "HTTP/1.1", Status: 200,
		Result: sendfile.Result{Sent: 5_000_000, ZeroCopied: 5_000_000, Method: sendfile.Sendfile}, Duration: 2_400 * time.Millisecond,
		Cause: live.Receiver, RTT: 12_345 * time.Microsecond, Retransmits: 3,
		Referer: "https://example.com/", UserAgent: `Mozilla/5.0 (X11; "Linux")`,
	},
	{
		Remote: netip.MustParseAddrPort("[2001:db8::1]:50000"), Op: "HEAD", Target: "/none", Proto: "HTTP/2.0", Status: 404,
		Duration: 45 * time.Microsecond, Retransmits: -1,
	},
	{
		Op: "GET", Target: "/\" 200 1\n127.0.0.1 - root \\\x1b[31m\xff é", Proto: "HTTP/1.1", Status: 206,
		Result: sendfile.Result{Sent: 10, Method: sendfile.Copy}, Retransmits: -1,
		Err:       &sendfile.Error{Op: "send", Side: sendfile.Peer, Method: sendfile.Copy, Offset: 10, Err: io.ErrClosedPipe},
		UserAgent: "</script>\r\nx: \"y\"",
	},
	{
		Protocol: live.HTTPS, Remote: netip.MustParseAddrPort("192.0.2.1:50000"), User: "an n\" status=404 [", Op: "GET", Target: "/f", Proto: "HTTP/2.0", Status: 200,
		Result: sendfile.Result{Sent: 10, Method: sendfile.Copy}, Retransmits: -1,
	},
	{
		Protocol: live.FTP, Retransmits: -1,
		Session: 7, Remote: netip.MustParseAddrPort("192.0.2.2:40000"), User: "anonymous", Op: retrieve, Path: "/pub/c d", Offset: 1000,
		Result: sendfile.Result{Sent: 2000, ZeroCopied: 2000, Method: sendfile.Sendfile}, Duration: 10 * time.Millisecond,
	},
	{
		Protocol: live.FTP, Retransmits: -1,
		Session: 8, Remote: netip.MustParseAddrPort("[fe80::1%eth0]:40000"), User: "an n\"", Op: store, Path: "/in\tcoming\n\x7f\u0085\u009b\u2028\u202e\xff/ü",
		Result: sendfile.Result{Sent: 2000, Method: sendfile.Splice}, Duration: 90 * time.Second,
		Err: &sendfile.Error{Op: "receive", Side: sendfile.File, Method: sendfile.Splice, Offset: 2000, Err: errors.New("no space left on device")},
	},
	{
		Protocol: live.FTP, Retransmits: -1,
		Session: 8, Remote: netip.MustParseAddrPort("192.0.2.2:40000"), User: "ann", Op: appendTo, Path: "/x",
		Result: sendfile.Result{Method: sendfile.Splice},
		Err:    &sendfile.Error{Op: "receive", Side: sendfile.Peer, Method: sendfile.Splice, Err: io.ErrUnexpectedEOF},
	},
	{
		Protocol: live.FTP, Retransmits: -1,
		Session: 8, Remote: netip.MustParseAddrPort("192.0.2.2:40000"), User: "ann", Op: retrieve, Path: "/secret",
		Err: os.ErrPermission,
	},
	{ // an upload by HTTP
		Protocol: live.HTTP, Retransmits: -1, Upload: true, Op: "PUT", Target: "/in%20box", Path: "/in box", Proto: "HTTP/1.1", Status: 201,
		Remote: netip.MustParseAddrPort("192.0.2.3:40000"), Result: sendfile.Result{Sent: 4096, ZeroCopied: 4096, Method: sendfile.Splice},
	},
	{ // a refusal of the server
		Retransmits: -1, Op: "GET", Target: "/private", Proto: "HTTP/1.1", Status: 403, Reason: "permission denied",
		Remote: netip.MustParseAddrPort("192.0.2.3:40000"),
	},
	{ // changes by FTP
		Protocol: live.FTP, Retransmits: -1, Session: 8, Remote: netip.MustParseAddrPort("192.0.2.2:40000"), User: "ann",
		Op: remove, Path: "/old file", Status: 250, Duration: time.Millisecond,
	},
	{
		Protocol: live.FTP, Retransmits: -1, Session: 8, Remote: netip.MustParseAddrPort("192.0.2.2:40000"), User: "ann",
		Op: remove, Path: "/none", Status: 550, Err: os.ErrNotExist,
	},
	{
		Protocol: live.FTPS, Retransmits: -1, Session: 8, Remote: netip.MustParseAddrPort("192.0.2.2:40000"), User: "ann",
		Op: "RNTO", Path: "/a b", NewPath: "/c\nd\x1b", Status: 250, Duration: time.Millisecond,
	},
	{
		Protocol: live.FTP, Retransmits: -1, Session: 8, Remote: netip.MustParseAddrPort("192.0.2.2:40000"), User: "ann",
		Op: "SITE CHMOD", Path: "/secret", Status: 550, Err: os.ErrPermission,
	},
	{ // changes by HTTP
		Retransmits: -1, Op: "DELETE", Target: "/in%20box", Path: "/in box", Proto: "HTTP/1.1", Status: 204, User: "ann",
		Remote: netip.MustParseAddrPort("192.0.2.3:40000"),
	},
	{
		Retransmits: -1, Op: "DELETE", Target: "/none", Path: "/none", Proto: "HTTP/1.1", Status: 404, User: "ann",
		Remote: netip.MustParseAddrPort("192.0.2.3:40000"),
	},
	{
		Retransmits: -1, Op: "MOVE", Target: "/a", Path: "/a", NewPath: "/b c", Proto: "HTTP/1.1", Status: 201, User: "ann",
		Remote: netip.MustParseAddrPort("192.0.2.3:40000"),
	},
	{ // held back by others
		Op: "GET", Target: "/f?sha256", Proto: "HTTP/1.1", Status: 200, Remote: netip.MustParseAddrPort("192.0.2.3:40000"), Retransmits: -1,
		Duration: 2 * time.Second, Waited: 1_234_567 * time.Microsecond, For: "checksums", By: "eve\n@192.0.2.66",
	},
	{
		Op: "GET", Target: "/f?sha256", Proto: "HTTP/1.1", Status: 503, Remote: netip.MustParseAddrPort("192.0.2.3:40000"), Retransmits: -1,
		Reason: "too many checksums of one client", By: "192.0.2.3",
	},
	{
		Op: "GET", Target: "/f?sha256", Proto: "HTTP/1.1", Status: 200, Remote: netip.MustParseAddrPort("192.0.2.3:40000"), Retransmits: -1,
		Duration: 2 * time.Second, Waited: 50 * time.Millisecond, For: "checksums", By: "192.0.2.66",
	},
	{ // the second part of a resumable upload
		Protocol: live.HTTP, Retransmits: -1, Upload: true, Op: "PATCH", Target: "/in%20box/?upload=ABC", Path: "/in box/f", Offset: 4096, Proto: "HTTP/1.1", Status: 204,
		Remote: netip.MustParseAddrPort("192.0.2.3:40000"), Result: sendfile.Result{Sent: 4096, ZeroCopied: 4096, Method: sendfile.Splice},
	},
}

// Programs of others read these lines, so they must not change; and no client can
// add a line of its own.
func TestLinesInEachFormat(t *testing.T) {
	now := time.Date(2026, 9, 5, 7, 8, 9, 123_000_000, time.FixedZone("", 2*3600))
	for name, format := range lineFormats {
		t.Run(name, func(t *testing.T) {
			var lines []byte
			for _, e := range records {
				before := bytes.Count(lines, []byte("\n"))
				lines = format(lines, now, &e)
				if n := bytes.Count(lines, []byte("\n")) - before; n > 1 {
					t.Errorf("got %d lines for one record", n)
				}
			}
			want := nettest.Golden(t, name+".golden", string(lines))
			if diff := cmp.Diff(want, string(lines)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// No value from a client changes the number of fields or of lines.
func FuzzLines(f *testing.F) {
	f.Add("/a b", "u", "agent")
	f.Add("\n\"\\ - [\x00", "\r\n[", "\xff\"")
	f.Add("\u0085\u009b", "\u2028\u202e", "\x85\x7f")
	f.Fuzz(func(t *testing.T, path, user, agent string) {
		e := &live.Record{
			Protocol: live.FTP, Remote: netip.MustParseAddrPort("192.0.2.1:1"), Op: retrieve, Path: path, User: user,
			Referer: agent, UserAgent: agent, Result: sendfile.Result{Method: sendfile.Copy}, Retransmits: -1,
		}
		rename := &live.Record{Protocol: live.FTP, Op: "RNTO", Path: "/a", NewPath: path, User: user, Status: 250, Retransmits: -1}
		now := time.Unix(0, 0)
		for name, format := range lineFormats {
			if line := format(nil, now, rename); len(line) > 0 && bytes.IndexFunc(line, isHidden) != len(line)-1 {
				t.Errorf("%s: %q has an unprintable character", name, line)
			}
			line := format(nil, now, e)
			if ends := bytes.IndexFunc(line, isHidden); ends != len(line)-1 || line[ends] != '\n' {
				t.Errorf("%s: %q has an unprintable character at %d, want only the end of the line", name, line, ends)
			}
			if !utf8.Valid(line) {
				t.Errorf("%s: %q is not valid UTF-8", name, line)
			}
		}
		if got := string(appendXferlogLine(nil, now, e)); len(strings.Fields(got)) != 18 {
			t.Errorf("xferlog: %q has %d fields, want 18", got, len(strings.Fields(got)))
		}
		got := string(appendCombinedLine(nil, now, e))
		if strings.Count(got, `"`) != 6 || strings.Index(got, " [") != strings.Index(got, " - ")+3+len(appendName(nil, user)) {
			t.Errorf("combined: %q", got)
		}
		var back map[string]any
		line := appendJSONLine(nil, now, e)
		if err := json.Unmarshal(line, &back); err != nil {
			t.Fatalf("json: %q: %v", line, err)
		}
		if want := string([]rune(path)); path != "" && back["path"] != want { // U+FFFD for each invalid byte
			t.Errorf("json: got the path %q, want %q", back["path"], want)
		}
	})
}

// isHidden reports whether a character could control a terminal or end a line.
// Characters above U+FFFF do neither.
func isHidden(r rune) bool { return r <= 0xffff && !unicode.IsPrint(r) }

func TestEachFormatOfTheConfigurationIsKnown(t *testing.T) {
	for _, name := range config.LogFormats {
		if lineFormats[name] == nil {
			t.Errorf("there is no format %q", name)
		}
	}
	if len(lineFormats) != len(config.LogFormats) {
		t.Errorf("%d formats, want %d", len(lineFormats), len(config.LogFormats))
	}
}

// If the lines are JSON, the other messages are JSON too.
func TestLoggerUsesTheFormatOfTheLines(t *testing.T) {
	for format, want := range map[string]string{
		"json": `,"level":"INFO","msg":"shutting down","drain_seconds":1.5}` + "\n",
		"text": ` level=INFO msg="shutting down" drain=1.5s` + "\n", "combined": ` level=INFO msg="shutting down" drain=1.5s` + "\n",
	} {
		var out bytes.Buffer
		log := New(&out, format)
		log.Logger().LogAttrs(t.Context(), slog.LevelInfo, "shutting down", slog.Duration("drain", 1500*time.Millisecond))
		log.Flush()
		if !strings.HasSuffix(out.String(), want) {
			t.Errorf("%s: got %q, want ...%q", format, &out, want)
		}
	}
}

// faults-http.md, H28: a transfer that was cut at the end looked like a mistake of the server.
func TestATransferThatWasCutHereSaysSo(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		var out bytes.Buffer
		log := New(&out, format)
		log.Record(live.Record{Op: "GET", Target: "/f", Result: sendfile.Result{Sent: 5}, Err: &sendfile.Error{Op: "send", Side: sendfile.Caller, Err: net.ErrClosed}})
		log.Flush()
		if got := out.String(); !strings.Contains(got, "cut by this server") || strings.Contains(got, "closed network connection") {
			t.Errorf("%s: %s", format, got)
		}
	}
}
