package config

// Nearest returns which of the names was probably meant by a misspelled one, or "".
func Nearest(name string, names []string) string {
	nearest, least := "", len(name)/3+1 // with more typing errors it is another word
	for _, n := range names {
		if d := distance(name, n); d <= least && (nearest == "" || d < least) {
			nearest, least = n, d
		}
	}
	return nearest
}

// distance returns the Levenshtein distance of a and b in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1) // distances of the prefix of a to each prefix of b
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
