package control

import "strings"

// Split returns the name of a command, in capitals, and its argument: what
// follows the first space, as it is.
func Split(line string) (name, arg string) {
	name, arg, _ = strings.Cut(line, " ")
	return Upper(name), arg
}

// Upper is strings.ToUpper for ASCII alone: no other letter becomes one of a
// command.
func Upper(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			b[i] = c - ('a' - 'A')
		}
	}
	return string(b)
}
