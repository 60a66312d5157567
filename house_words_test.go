package sluice_test

import (
	"fmt"
	"go/parser"
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// plainWords maps each word that a reader would have to decode to the term that
// says the same. The keys are lower-case words; checkWords splits identifiers
// into words, so that "road" also finds roadOf and TestRoads.
var plainWords = map[string]string{
	"road": "method", "roads": "methods",
	"lane": "fast path, or net/http path", "lanes": "paths",
	"desk": "buffers", "desks": "buffers",
	"wire": "netConn, connection or network",
	"told": "recorded, reported, said or known", "tell": "say, report or show", "tells": "says, reports or shows", "telling": "saying",
	"tap": "sampler", "taps": "samplers",
	"talk":  "error sniffer",
	"pace":  "minRate or rateMeter",
	"crowd": "counter, or many clients", "crowds": "counters",
	"mover": "transfer", "movers": "transfers",
	"dear": "expensive", "dearer": "more expensive", "dearest": "most expensive",
	"beside": "next to",
	"door":   "listener", "doors": "listeners",
	"guard":   "control, or check",
	"whoever": "a name for that person or program", "whosoever": "a name for that person or program",
}

// plainWordsIn holds the words that only one folder has another term for.
var plainWordsIn = map[string]map[string]string{
	"httpd": {"ask": "Request, or ask for", "reply": "Response", "replies": "responses"},
}

// wordsAllowed are the places where such a word is a term of the field.
var wordsAllowed = []struct{ file, word, why string }{
	{"CHANGELOG.md", "*", "it records what names were called before"},
	{"house_words_test.go", "*", "it holds the list"},
	{"cmd/sluice/flags.go", "road", "a former name of a flag, which still works"},
	{"cmd/sluice/flags.go", "lane", "a former name of a flag, which still works"},
	{"cmd/sluice/settings_test.go", "road", "it tests former names of flags"},
	{"cmd/sluice/settings_test.go", "lane", "it tests former names of flags"},
	{"cmd/sluice/reload_test.go", "road", "it tests a former name of a flag"},
	{"bench/deprecated.go", "*", "it holds names of old reports"},
	{"bench/deprecated_test.go", "*", "it holds names of old reports"},
	{"cmd/sluice/bench_deprecated.go", "*", "it holds names of old commands"},
	{"cmd/sluice/testdata/script/bench_deprecated.txtar", "*", "it tests names of old commands"},
}

// obscureStart finds the word at the beginning of a sentence that turns a whole
// clause into its subject.
var obscureStart = regexp.MustCompile(`(?:^|[.:;!?] )(Who|Whatever|What|That which) [^.?!]*`)

func TestWords(t *testing.T) { report(t, checkWords(os.DirFS("."))) }

// checkWords wants plain English in every source and document: none of the words
// in plainWords, and no sentence in prose that begins with a free relative clause.
// A question may begin so.
func checkWords(tree fs.FS) (complaints []string) {
	for _, name := range textFiles(tree) {
		content, err := fs.ReadFile(tree, name)
		if err != nil {
			complaints = append(complaints, err.Error())
			continue
		}
		for i, line := range strings.Split(string(content), "\n") {
			for _, word := range wordsOf(line) {
				if say := plainFor(name, word); say != "" && !isWordAllowed(name, word) {
					complaints = append(complaints, fmt.Sprintf("%s:%d: %q: say %s", name, i+1, word, say))
				}
			}
		}
		if isWordAllowed(name, "*") {
			continue
		}
		for _, p := range prose(name, content) {
			for _, at := range obscureStart.FindAllStringIndex(p.text, -1) {
				if !strings.HasPrefix(p.text[at[1]:], "?") {
					complaints = append(complaints, fmt.Sprintf("%s:%d: a sentence begins with a free clause: %.50q", name, p.line, p.text[at[0]:at[1]]))
				}
			}
		}
	}
	return complaints
}

func plainFor(name, word string) string {
	for folder, words := range plainWordsIn {
		if say := words[word]; say != "" && strings.HasPrefix(name, folder+"/") {
			return say
		}
	}
	return plainWords[word]
}

func isWordAllowed(name, word string) bool {
	for _, a := range wordsAllowed {
		if a.file == name && (a.word == word || a.word == "*") {
			return true
		}
	}
	return false
}

// textFiles returns the names of the files that are written by hand.
func textFiles(tree fs.FS) (names []string) {
	_ = fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		base := path.Base(name)
		switch {
		case err != nil:
			return err
		case d.IsDir() && (base == ".git" || base == "bin" || strings.HasPrefix(base, ".") && base != "." && base != ".ci"),
			d.IsDir() && name == "testdata/sample":
			return fs.SkipDir
		case d.IsDir():
		case slices.Contains([]string{".go", ".md", ".sh", ".txtar", ".service", ".tmpl", ".css"}, path.Ext(base)),
			base == "Makefile", base == "Dockerfile", name == ".ci/run":
			names = append(names, name)
		}
		return nil
	})
	return names
}

var word = regexp.MustCompile(`[A-Z]+[a-z]*|[a-z]+`)

// wordsOf splits a line into lower-case words, and identifiers into theirs:
// "dataConnOf" is data, conn, of; "HTTPConn" is http, conn.
func wordsOf(line string) (words []string) {
	for _, w := range word.FindAllString(line, -1) {
		last := strings.LastIndexFunc(w, func(r rune) bool { return r < 'a' })
		if last > 0 && last < len(w)-1 {
			words = append(words, strings.ToLower(w[:last]))
			w = w[last:]
		}
		words = append(words, strings.ToLower(w))
	}
	return words
}

// paragraph is a piece of running text.
type paragraph struct {
	line int
	text string
}

// prose returns the comments of a Go file and the paragraphs of a document.
func prose(name string, content []byte) []paragraph {
	switch path.Ext(name) {
	case ".go":
		return comments(content)
	case ".md":
		return paragraphs(1, string(content))
	}
	return nil
}

func comments(src []byte) (found []paragraph) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "", src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		if _, ok := err.(scanner.ErrorList); ok {
			return nil // the compiler complains about it
		}
		return []paragraph{{1, err.Error()}}
	}
	for _, c := range f.Comments {
		found = append(found, paragraphs(fset.Position(c.Pos()).Line, c.Text())...)
	}
	return found
}

// paragraphs joins the lines of each paragraph, and leaves out code, which is
// indented, and the rows of tables.
func paragraphs(line int, text string) (found []paragraph) {
	var p paragraph
	end := func() {
		if p.text != "" {
			found = append(found, p)
		}
		p = paragraph{}
	}
	fenced := false
	for l := range strings.Lines(text) {
		l = strings.TrimRight(l, "\n")
		if strings.HasPrefix(l, "```") {
			fenced = !fenced
			end()
		}
		switch {
		case fenced, strings.HasPrefix(l, "    "), strings.HasPrefix(l, "\t"), strings.HasPrefix(l, "|"), strings.TrimSpace(l) == "":
			end()
		case strings.HasPrefix(l, "- "), strings.HasPrefix(l, "#"):
			end()
			p = paragraph{line, strings.TrimLeft(l, "-# ")}
		case p.text == "":
			p = paragraph{line, l}
		default:
			p.text += " " + strings.TrimSpace(l)
		}
		line++
	}
	end()
	return found
}

func TestWordsCheck(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   model
		want []string
	}{
		{"accepts plain words", model{"a/a.go": "// Package a sends files. What does it cost? Little.\npackage a\n"}, nil},
		{"accepts longer words", model{"a.md": "The broad desktop of a wireless planet.\n"}, nil},
		{"sees a word in a comment", model{"a/a.go": "package a // the fast road\n"}, []string{`a/a.go:1: "road": say method`}},
		{"sees a word in identifiers", model{"a/a.go": "package a\n\nvar roadOf, HTTPRoad, x_road int\n"}, []string{
			`a/a.go:3: "road": say method`, `a/a.go:3: "road": say method`, `a/a.go:3: "road": say method`,
		}},
		{"sees a word of one folder there alone", model{"httpd/a.go": "package httpd // the reply\n", "ftpd/a.go": "package ftpd // the reply\n"}, []string{
			`httpd/a.go:1: "reply": say Response`,
		}},
		{"sees a free clause in a comment", model{"a/a.go": "package a\n\n// f ends. Who is\n// late gets nothing. Is this read? What is not.\nfunc f() {}\n"}, []string{
			`a/a.go:3: a sentence begins with a free clause: ". Who is late gets nothing"`,
			`a/a.go:3: a sentence begins with a free clause: "? What is not"`,
		}},
		{"sees a free clause in a document and not in a table or code", model{"a.md": "What there is, is sent.\n\n    What is code.\n\n| What | is |\n"}, []string{
			`a.md:1: a sentence begins with a free clause: "What there is, is sent"`,
		}},
		{"passes over what is not written here", model{".git/a.md": "road\n", "bin/a.md": "road\n", "a.bin": "road\n"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) { compare(t, checkWords(tt.in.tree()), tt.want) })
	}
}
