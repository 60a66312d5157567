//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

const checkout = "../../.."

// buildPatience bounds a build from a fresh clone on a busy machine.
const buildPatience = 10 * time.Minute

// document is one of the documents, by section.
type document map[string][]block

// block is a fenced block of a document: commands if the language is sh, and what
// they print if it is text.
type block struct{ language, text string }

var (
	sections = regexp.MustCompile(`(?m)^## (?:\d\. )?(.*)$`)
	fences   = regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```$")
)

// readFile returns a file of the checkout.
func readFile(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(checkout, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func readDocument(t *testing.T, name string) document {
	t.Helper()
	content, doc := readFile(t, name), make(document)
	starts := sections.FindAllStringSubmatchIndex(content, -1)
	for i, at := range starts {
		end := len(content)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		var blocks []block
		for _, m := range fences.FindAllStringSubmatch(content[at[1]:end], -1) {
			blocks = append(blocks, block{m[1], m[2]})
		}
		doc[content[at[2]:at[3]]] = blocks
	}
	return doc
}

// newcomer runs the commands of README.md as they stand there: in namespaces of
// its own, where all ports are free, /srv is a new directory, and the loopback
// device has the addresses that README.md uses.
type newcomer struct {
	t      *testing.T
	home   string   // with the clone in it
	dir    string   // the current folder
	env    []string // without what blocks export
	setup  string   // the lines that have exported something
	spaces string   // the PID of the process that keeps the namespaces
	server *terminal

	password string // that the server has printed; "": none
}

// terminal is where a block runs.
type terminal struct {
	cmd  *exec.Cmd
	out  *lines
	done chan struct{}
}

// addresses are that of the server in README.md, and one of a client in the internet.
var addresses = []string{"192.168.1.5", stranger}

const stranger = "198.51.100.9"

func newNewcomer(t *testing.T) *newcomer {
	t.Helper()
	needsRoot(t)
	for _, name := range []string{"git", "go", "make", "unshare", "nsenter", "ip"} {
		needs(t, name)
	}
	n := &newcomer{t: t, home: t.TempDir()}
	n.dir = n.home
	n.env = append(environ(t), "HOME="+n.home, "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*")
	for _, name := range []string{"GOMODCACHE", "GOCACHE", "GOPROXY", "GOSUMDB", "GOFLAGS", "GOTOOLCHAIN"} { // not those of this home
		n.env = append(n.env, name+"="+strings.TrimSpace(run(t, ".", "sh", "-c", "HOME="+os.Getenv("HOME")+" go env "+name)))
	}

	srv := publicDir(t)
	script := "ip link set lo up && mount --bind " + srv + " /srv && "
	for _, addr := range addresses {
		script += "ip addr add " + addr + "/32 dev lo && "
	}
	keeper := exec.Command("unshare", "--net", "--mount", "bash", "-c", script+"echo ready && exec cat")
	stdin, err := keeper.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out := newLines()
	keeper.Stdout, keeper.Stderr = out, out
	if err := keeper.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stdin.Close(); _ = keeper.Wait() })
	if len(out.await(1, patience, func(line string) bool { return line == "ready" })) == 0 {
		t.Fatalf("no namespaces:\n%s", out)
	}
	n.spaces = fmt.Sprint(keeper.Process.Pid)

	writePattern(t, filepath.Join(srv, "pub/debian.iso"), 3<<20)
	writePattern(t, filepath.Join(srv, "pub/photos/sea.jpg"), 12345)
	for _, dir := range []string{"pub/bob", "pub/incoming"} {
		if err := os.Mkdir(filepath.Join(srv, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	run(t, srv, "chown", "-R", "1000:1000", "pub") // the folder of a user, whom a server of root becomes
	run(t, srv, "chmod", "-R", "a+rwX", "pub")
	return n
}

// script prepares a block. In the namespaces there is no way to other hosts.
func (n *newcomer) script(text string, inside bool) *terminal {
	n.t.Helper()
	if n.password != "" {
		text = strings.ReplaceAll(text, "PASSWORD", n.password)
	}
	text = fmt.Sprintf("set -eu\ncd '%s'\n%s\n%s", n.dir, n.setup, strings.ReplaceAll(text, "URL", mustAbs(n.t, checkout)))
	argv := []string{"bash", "-c", text}
	if inside {
		argv = append([]string{"nsenter", "--target", n.spaces, "--net", "--mount", "--"}, argv...)
	}
	term := &terminal{exec.Command(argv[0], argv[1:]...), newLines(), make(chan struct{})}
	term.cmd.Env, term.cmd.Stdout, term.cmd.Stderr = n.env, term.out, term.out
	term.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	term.cmd.WaitDelay = patience
	return term
}

// run runs commands to their end and returns what they print.
func (n *newcomer) run(text string, inside bool) string {
	n.t.Helper()
	term := n.script(text, inside)
	if err := term.cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	bound := time.AfterFunc(buildPatience, func() { term.signal(syscall.SIGKILL) })
	defer bound.Stop()
	if err := term.cmd.Wait(); err != nil {
		n.t.Fatalf("%s\n%v:\n%s\nserver:\n%s", text, err, term.out, n.serverOutput())
	}
	return term.out.String()
}

// serve starts a server and waits until it prints a URL.
func (n *newcomer) serve(text string) {
	n.t.Helper()
	n.stop()
	term := n.script(text, true)
	if err := term.cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	n.server = term
	go func() { _ = term.cmd.Wait(); term.out.end(); close(term.done) }()
	if len(term.out.await(1, buildPatience, func(line string) bool { return strings.Contains(line, "://") })) == 0 {
		n.t.Fatalf("%s\nprints no URL:\n%s", text, term.out)
	}
}

// signal sends a signal to all processes of a terminal, as Ctrl-C does.
func (term *terminal) signal(sig syscall.Signal) { _ = syscall.Kill(-term.cmd.Process.Pid, sig) } // they may have ended

// stop ends the server that runs, as Ctrl-C does.
func (n *newcomer) stop() {
	n.t.Helper()
	if n.server == nil {
		return
	}
	n.server.signal(syscall.SIGINT)
	select {
	case <-n.server.done:
	case <-time.After(patience):
		n.server.signal(syscall.SIGKILL)
		n.t.Errorf("the server does not end:\n%s", n.server.out)
	}
	for _, trouble := range []string{"panic", "level=ERROR"} {
		if strings.Contains(n.server.out.String(), trouble) {
			n.t.Errorf("the server logged:\n%s", n.server.out)
		}
	}
	n.server = nil
}

func (n *newcomer) serverOutput() string {
	if n.server == nil {
		return "none\n"
	}
	return n.server.out.String()
}

// Commands that serve until Ctrl-C, and those that may need other hosts.
var (
	serves = regexp.MustCompile(`(?m)^[^#]*(\bsluice serve\b(?:.*\\\n)*[^\n]*|\bmake run\b|\bgo run\b)`)
	builds = regexp.MustCompile(`\bgit clone\b|\bgo install\b|\bgo mod\b`)
)

// follow runs the blocks of a section one after the other, and check after each
// with the number of blocks so far.
func (n *newcomer) follow(blocks []block, check func(done int)) {
	n.t.Helper()
	defer n.stop()
	printed, done := n.serverOutput, 0
	for _, b := range blocks {
		switch {
		case b.language == "text":
			for line := range strings.Lines(b.text) {
				eventually(n.t, fmt.Sprintf("README.md promises the line %q", line), func() bool { return strings.Contains(printed(), line) })
			}
			if n.t.Failed() {
				n.t.Fatalf("got:\n%s", printed())
			}
			continue
		case b.language != "sh":
			continue
		}
		last := b.text[strings.LastIndex(strings.TrimRight(strings.ReplaceAll(b.text, "\\\n", "  "), "\n"), "\n")+1:]
		if serves.MatchString(last) && !strings.Contains(last, "--check") {
			n.serve(b.text)
			printed = n.serverOutput
		} else {
			out := n.run(b.text, !builds.MatchString(b.text))
			printed = func() string { return out }
		}
		for line := range strings.Lines(b.text) {
			if strings.HasPrefix(line, "export ") {
				n.setup += line
			}
		}
		done++
		if check != nil {
			check(done)
		}
	}
}

// want expects that commands print something.
func (n *newcomer) want(commands, what string) {
	n.t.Helper()
	if got := n.run(commands, true); !strings.Contains(got, what) {
		n.t.Errorf("%s\ngot:\n%s\nwant %q\nserver:\n%s", commands, got, what, n.serverOutput())
	}
}

// folder makes a new current folder next to the clone.
func (n *newcomer) folder(name string) {
	n.t.Helper()
	n.dir = filepath.Join(n.home, name)
	if err := os.Mkdir(n.dir, 0o755); err != nil {
		n.t.Fatal(err)
	}
}

func mustAbs(t *testing.T, name string) string {
	t.Helper()
	abs, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}

// The sections of README.md run in their order, each in its own folder. Further clients
// check the results that the commands themselves do not show.
func TestTheTasksOfTheREADME(t *testing.T) {
	doc, n := readDocument(t, "README.md"), newNewcomer(t)
	all := len(fences.FindAllString(readFile(t, "README.md"), -1))
	step := func(section string, wantBlocks int, check func(done int)) {
		t.Helper()
		all -= len(doc[section])
		if !t.Run(section, func(t *testing.T) {
			all := n.t
			n.t = t
			defer func() { n.t = all }()
			blocks := doc[section]
			if got := len(slices.DeleteFunc(slices.Clone(blocks), func(b block) bool { return b.language != "sh" })); got != wantBlocks {
				t.Fatalf("%d blocks of commands, want %d", got, wantBlocks)
			}
			n.follow(blocks, check)
		}) {
			t.FailNow()
		}
	}

	step("Install", 1, nil)
	n.dir = filepath.Join(n.home, "sluice")
	t.Run("make run", func(t *testing.T) {
		n.serve("exec make run")
		defer n.stop()
		n.want("curl -sS http://localhost:8080/", "README.txt")
		n.want("curl -sS ftp://localhost:2121/", "README.txt")
	})

	n.folder("1")
	step("Share a folder", 2, func(done int) {
		if done == 1 {
			eventually(n.t, "both URLs are printed", func() bool {
				return strings.Contains(n.serverOutput(), "http://localhost:8080/\n") && strings.Contains(n.serverOutput(), "ftp://localhost:2121/\n")
			})
			return
		}
		wantPattern(n.t, filepath.Join(n.dir, "debian.iso"), 0, 3<<20)
		wantPattern(n.t, filepath.Join(n.dir, "photos/sea.jpg"), 0, 12345)
		n.want("unzip -t photos.zip", "No errors")
		n.want("echo x | curl -sS -T - ftp://localhost:2121/x || true", "curl: (25)")
		eventually(n.t, "the log names the method", func() bool {
			return regexp.MustCompile(`target=/debian.iso status=200 bytes=3145728 \w+=sendfile`).MatchString(n.serverOutput())
		})
	})

	n.folder("2")
	p := newPair(t)
	run(t, n.dir, "cp", p.cert(), p.key(), ".")
	step("HTTPS", 2, func(done int) {
		if done == 1 {
			n.want("curl -sSk https://localhost:8443/", "debian.iso")
			return
		}
		for _, url := range []string{"https://localhost/debian.iso", "-L http://localhost/debian.iso", "--ssl-reqd ftp://localhost/debian.iso"} {
			n.run("curl -sS --cacert site.pem -o got "+url, true)
			wantPattern(n.t, filepath.Join(n.dir, "got"), 0, 3<<20)
		}
	})

	n.folder("3")
	step("Let a colleague upload", 3, func(done int) {
		switch done {
		case 1:
			made := regexp.MustCompile(`(?m)^user alice, password (\S+)$`)
			eventually(n.t, "a password is printed", func() bool { return made.MatchString(n.serverOutput()) })
			n.password = made.FindStringSubmatch(n.serverOutput())[1]
			n.want("curl -sSk -H 'Accept: text/html' https://localhost:8443/", "Log in")
			n.run("curl -sSk -c jar -d username=alice --data-urlencode password=PASSWORD 'https://localhost:8443/?login'", true)
			n.want("curl -sSk -b jar -H 'Accept: text/html' https://localhost:8443/", `<input type="file"`)
			n.want("echo form >form.txt && curl -sSk -b jar -F file=@form.txt https://localhost:8443/", `201 Created: "form.txt"`)
		case 2:
			n.want("cat /srv/pub/report.txt", "hello")
			n.want("curl -sSk https://localhost:8443/form.txt", "form")
			n.want("curl -sSk -T report.txt https://localhost:8443/guest.txt", "401 Unauthorized")
		case 3:
			for _, url := range []string{"http://alice:secret@localhost:8080/", "ftp://alice:secret@localhost:2121/", "http://bob:secret@localhost:8080/", "ftp://bob:secret@localhost:2121/"} {
				name := strings.NewReplacer(":", "", "/", "", "@", "").Replace(url)
				n.run("echo hello | curl -sSf -T - "+url+name, true)
				n.want("cat /srv/pub/"+name+" /srv/pub/bob/"+name+" 2>&1 || true", "hello")
			}
			n.want("ls /srv/pub/bob", "httpbobsecret")
			n.want("curl -sS -X DELETE http://bob:secret@localhost:8080/ftpbobsecretlocalhost2121", `right "delete"`)
			n.run("curl -sSf -T report.txt http://localhost:8080/incoming/", true)
			n.want("cat /srv/pub/incoming/report.txt", "hello")
			n.want("curl -sS -H 'Accept: application/json' http://localhost:8080/incoming/", "[\n]")
		}
	})

	n.folder("4")
	writePattern(t, filepath.Join(n.dir, "scan.pdf"), 4<<20)
	step("FTP for devices", 2, func(done int) {
		if done < 2 {
			return
		}
		n.run("cp /srv/pub/scan.pdf got.pdf", true)
		wantPattern(n.t, filepath.Join(n.dir, "got.pdf"), 0, 4<<20)
		// The ports 50000 to 50100 are 195 and 80 to 180. There is no router, so curl ignores the address.
		pasv := "curl -sSv --disable-epsv --ftp-skip-pasv-ip -o again.pdf ftp://scanner:secret@192.168.1.5/scan.pdf 2>&1 --interface "
		n.want(pasv+"192.168.1.5", "(192,168,1,5,195,")
		n.want(pasv+stranger, "(203,0,113,7,195,")
		wantPattern(n.t, filepath.Join(n.dir, "again.pdf"), 0, 4<<20)
	})

	n.dir = n.home
	step("Embed in Go", 1, func(int) {
		n.run("curl -sS -o got http://localhost:8080/files/debian.iso", true)
		wantPattern(n.t, filepath.Join(n.dir, "got"), 0, 3<<20)
	})

	n.dir = filepath.Join(n.home, "sluice")
	all -= len(doc["Serve a bucket"])
	t.Run("Serve a bucket", func(t *testing.T) { n.serveBucket(t, doc["Serve a bucket"]) })
	if all != 0 {
		t.Errorf("README.md has %d blocks in sections that are not tried here", all)
	}
}

// serveBucket follows the two blocks of a section, of which the first runs a store. It uses the versitygw that
// SLUICE_VERSITYGW names, because in the namespaces none can be fetched.
func (n *newcomer) serveBucket(t *testing.T, blocks []block) {
	gateway := os.Getenv("SLUICE_VERSITYGW")
	if gateway == "" {
		t.Fatal("SLUICE_VERSITYGW names no versitygw: tools/versitygw.sh builds one")
	}
	if len(blocks) != 2 {
		t.Fatalf("%d blocks, want 2", len(blocks))
	}
	defer func(all *testing.T) { n.t = all }(n.t)
	n.t = t
	script := readFile(t, "tools/versitygw.sh")
	version := regexp.MustCompile(`(?m)^version=(.*)$`).FindStringSubmatch(script)[1]
	built := filepath.Join(n.home, ".cache/sluice/versitygw-"+version)
	if err := os.MkdirAll(built, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(mustAbs(t, gateway), filepath.Join(built, "versitygw")); err != nil {
		t.Fatal(err)
	}
	store := n.script(blocks[0].text, true)
	if err := store.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		store.signal(syscall.SIGKILL)
		_ = store.cmd.Wait()
	}()
	eventually(t, "the store listens", func() bool {
		return strings.Contains(n.run("curl -sS http://127.0.0.1:7070/ 2>&1 || true", true), "<Error>")
	})
	n.serve(blocks[1].text)
	defer n.stop()
	n.want("curl -sS http://localhost:8080/", "README.txt")
	n.want("curl -sS ftp://localhost:2121/", "README.txt")
}

// Every flag of "sluice serve" has a row in docs/configuration.md, and every row
// is about a flag.
func TestEveryFlagIsDocumented(t *testing.T) {
	documented := make(map[string]bool)
	for _, m := range regexp.MustCompile("(?m)^\\| `--([a-z0-9-]+)[ `=]").FindAllStringSubmatch(readFile(t, "docs/configuration.md"), -1) {
		documented[m[1]] = true
	}
	help := run(t, ".", program, "serve", "--help")
	flags := make(map[string]bool)
	for _, m := range regexp.MustCompile(`(?m)^ +(?:-[a-z], +)?--([a-z0-9-]+)`).FindAllStringSubmatch(help, -1) {
		flags[m[1]] = true
		if m[1] != "help" && !documented[m[1]] {
			t.Errorf("docs/configuration.md has no row for --%s", m[1])
		}
	}
	for name := range documented {
		if !flags[name] {
			t.Errorf("docs/configuration.md has a row for --%s, which \"sluice serve\" does not know", name)
		}
	}
	if len(flags) < 50 {
		t.Errorf("the help has %d flags, want those of sluice serve:\n%s", len(flags), help)
	}
}

// The documents name tests for what they promise. All of them exist.
func TestTheTestsThatDocumentsNameExist(t *testing.T) {
	tests := make(map[string]bool)
	err := filepath.WalkDir(checkout, func(name string, _ os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, "_test.go") {
			return err
		}
		content, err := os.ReadFile(name)
		for _, m := range regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`).FindAllSubmatch(content, -1) {
			tests[string(m[1])] = true
		}
		return err
	})
	if err != nil || len(tests) < 100 {
		t.Fatalf("found %d tests, %v", len(tests), err)
	}
	for name, content := range documents(t) {
		for _, m := range regexp.MustCompile(`\b(?:Test|Fuzz|Benchmark)[A-Z]\w+`).FindAllString(content, -1) {
			if !tests[m] {
				t.Errorf("%s names %s, which does not exist", name, m)
			}
		}
	}
}

// documents returns the documents by their names, without the changelog, which is about
// earlier versions too.
func documents(t *testing.T) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md", "ftpd/*.md"} {
		names, err := filepath.Glob(filepath.Join(checkout, pattern))
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %d documents, %v", pattern, len(names), err)
		}
		for _, name := range names {
			if filepath.Base(name) == "CHANGELOG.md" {
				continue
			}
			content, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			all[name] = string(content)
		}
	}
	return all
}

// The queries of docs/operations.md are about metrics that exist.
func TestTheMetricsThatDocumentsNameExist(t *testing.T) {
	manual := readFile(t, "docs/operations.md")
	s := start(t, "--admin", "127.0.0.1:0", "--ftp-passive-ports", "41030-41039", "--max-conns", "100")
	s.file("f", 1<<20)
	for _, scheme := range schemes {
		curl(t, t.TempDir(), "-o", "got", s.urlOf(scheme, "f"))
	}
	served := run(t, ".", "curl", "-sS", "http://"+adminOf(s)+"/metrics")
	for _, name := range regexp.MustCompile(`\b(?:sluice|process)_[a-z_]+[a-z]`).FindAllString(manual, -1) {
		if strings.HasPrefix(name, "sluice_mount_") {
			continue // served only when a file system has not answered, see internal/admin
		}
		if !strings.Contains(served, "\n"+name) {
			t.Errorf("docs/operations.md names the metric %s, which is not served:\n%s", name, served)
			return
		}
	}
}

// Every field in the table of docs/operations.md is a field of /status.json.
func TestTheFieldsThatDocumentsNameExist(t *testing.T) {
	_, table, _ := strings.Cut(readFile(t, "docs/operations.md"), "\n## /status.json\n")
	table, _, _ = strings.Cut(table, "\n## ")
	fields := make(map[string]bool)
	for _, folder := range []string{"live", "admin", "status"} {
		names, err := filepath.Glob(filepath.Join(checkout, "internal", folder, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			content, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range regexp.MustCompile("`json:\"([a-z_]+)").FindAllSubmatch(content, -1) {
				fields[string(m[1])] = true
			}
		}
	}
	named := 0
	for line := range strings.Lines(table) {
		column, rest, ok := strings.Cut(strings.TrimPrefix(line, "| "), " | ")
		if !ok || !strings.HasPrefix(column, "`") {
			continue
		}
		if strings.Contains(column, "state") || strings.Contains(column, "peer") { // it lists values, and commands
			rest = ""
		}
		for _, quoted := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(column+rest, -1) {
			for _, field := range regexp.MustCompile(`[a-z_]+`).FindAllString(quoted[1], -1) {
				named++
				if !fields[field] && !strings.HasPrefix(quoted[1], "sluice ") {
					t.Errorf("docs/operations.md has the field %s of /status.json, which does not exist", field)
				}
			}
		}
	}
	if named < 50 {
		t.Errorf("the table names %d fields, want more", named)
	}
}

// Links between the documents lead to a file, and to a heading in it.
func TestLinksInDocuments(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for name, content := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(content, -1) {
			target, heading, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			file := filepath.Join(filepath.Dir(name), target)
			if target == "" {
				file = name
			}
			if !hasHeading(t, file, heading) {
				t.Errorf("%s: the link %s leads nowhere", name, m[1])
			}
		}
	}
}

// hasHeading reports whether a file exists and has a heading, by the name that
// GitHub gives it in links. "" stands for the whole file.
func hasHeading(t *testing.T, file, heading string) bool {
	t.Helper()
	if _, err := os.Stat(file); err != nil || heading == "" {
		return err == nil
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(content) {
		text, isHeading := strings.CutPrefix(strings.TrimLeft(string(line), "#"), " ")
		if !isHeading || line[0] != '#' {
			continue
		}
		anchor := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(strings.TrimSpace(text)), "")
		if strings.ReplaceAll(anchor, " ", "-") == heading {
			return true
		}
	}
	return false
}
