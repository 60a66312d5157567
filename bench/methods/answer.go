package methods

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sluice/bench"
)

// zeroCopy and copying are the methods that the answer compares: of each list
// the first one that was measured.
var (
	zeroCopy = []string{"sluice", "sendfile", "splice"}
	copying  = []string{"rw-64k", "rw-256k", "rw-8k"}
)

const withTLS = "tls"

// answer returns in sentences what zero-copy buys, by the cells of r. It claims
// a difference only if the rounds support it.
func answer(r *bench.Report) []string {
	zero, okZero := firstMeasured(r, zeroCopy)
	copied, okCopied := firstMeasured(r, copying)
	if !okZero || !okCopied {
		return []string{fmt.Sprintf("This run cannot say what zero-copy buys: that takes one of the methods %s and one of %s.",
			strings.Join(zeroCopy, ", "), strings.Join(copying, ", "))}
	}
	clients := mostClients(r)
	conditions := fmt.Sprintf("clients=%s, files in the page cache; in parentheses 99 %% intervals", clients)
	subject := fmt.Sprintf("Zero-copy (%s)", zero)
	sentences := []string{
		costs.sentences(subject, "copying ("+copied+")", claims(r, zero, copied, "cpu-s/GB", clients, hot)),
		rates.sentences(subject, "copying ("+copied+")", claims(r, zero, copied, "MB/s", clients, hot)),
		costs.sentences("TLS, which copies and encrypts,", "zero-copy", claims(r, withTLS, zero, "cpu-s/GB", clients, hot)),
		costs.sentences("With the files read from the disk, zero-copy", "copying", claims(r, zero, copied, "cpu-s/GB", "", cold)),
	}
	sentences = slices.DeleteFunc(sentences, func(s string) bool { return s == "" })
	if len(sentences) == 0 {
		return []string{"This run has too few rounds to say what zero-copy buys: measure each cell five times or more."}
	}
	sentences[0] += " (" + conditions + ".)"
	return sentences
}

func firstMeasured(r *bench.Report, names []string) (string, bool) {
	for _, name := range names {
		if slices.ContainsFunc(r.Cells, func(c bench.Cell) bool { return c.Subject == name }) {
			return name, true
		}
	}
	return "", false
}

// mostClients returns the largest number of clients, as the cells have it.
func mostClients(r *bench.Report) string {
	most := 0
	for _, c := range r.Cells {
		if n, err := strconv.Atoi(c.Param("clients")); err == nil {
			most = max(most, n)
		}
	}
	return strconv.Itoa(most)
}

// A claim is a comparison for files of one size.
type claim struct {
	size string
	bench.Claim
}

// claims compares a metric of the methods of and to for each size. An empty
// number of clients stands for any.
func claims(r *bench.Report, of, to, unit, clients string, state cache) []claim {
	var all []claim
	for i := range r.Cells {
		a := &r.Cells[i]
		if a.Subject != of || a.Param("cache") != string(state) || clients != "" && a.Param("clients") != clients {
			continue
		}
		for k := range r.Cells {
			b := &r.Cells[k]
			if b.Subject != to || !slices.Equal(b.Params, a.Params) {
				continue
			}
			if c, ok := bench.ClaimOf(a, b, unit); ok {
				all = append(all, claim{a.Param("size"), c})
			}
		}
	}
	return all
}

// A wording says each finding about a metric: how a subject is to another, %s,
// and how a ratio is to be read.
type wording map[bench.Finding]struct{ is, times string }

var (
	costs = wording{
		bench.Less:      {"costs less CPU time than %s:", "%.2f of it "},
		bench.More:      {"costs more CPU time than %s:", "%.2f times as much "},
		bench.Alike:     {"costs as much CPU time as %s, within 10 %%,", ""},
		bench.Undecided: {"shows no difference in CPU time from %s, beyond the noise,", ""},
	}
	rates = wording{
		bench.Less:      {"is slower than %s:", "%.2f of its MB/s "},
		bench.More:      {"is faster than %s:", "%.2f times its MB/s "},
		bench.Alike:     {"is as fast as %s, within 10 %%,", ""},
		bench.Undecided: {"shows no difference in MB/s from %s, beyond the noise,", ""},
	}
)

// sentences returns a sentence for each finding among the claims about subject
// and another method.
func (w wording) sentences(subject, other string, all []claim) string {
	var said []string
	for _, finding := range []bench.Finding{bench.Less, bench.More, bench.Alike, bench.Undecided} {
		var places []string
		for _, c := range all {
			if c.Finding != finding {
				continue
			}
			place := fmt.Sprintf("at %s (%s)", c.size, c.Interval())
			if times := w[finding].times; times != "" {
				place = fmt.Sprintf(times, c.Value) + place
			}
			places = append(places, place)
		}
		if len(places) > 0 {
			said = append(said, subject+" "+fmt.Sprintf(w[finding].is, other)+" "+listed(places)+".")
			subject = "It"
		}
	}
	return strings.Join(said, " ")
}

// listed joins words with commas and an "and".
func listed(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}
