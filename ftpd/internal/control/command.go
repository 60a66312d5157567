package control

import "strings"

// Split returns the name of a command, in capitals, and its argument: the unchanged text
// after the first space.
func Split(line string) (name, arg string) {
	name, arg, _ = strings.Cut(line, " ")
	return Upper(name), arg
}

// Upper is strings.ToUpper for ASCII only, because strings.ToUpper turns some other
// letters into ASCII ones.
func Upper(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			b[i] = c - ('a' - 'A')
		}
	}
	return string(b)
}
