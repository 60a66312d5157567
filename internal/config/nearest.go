package config

// Nearest returns the one of the names that was probably meant by a name that
// is none of them, or "".
func Nearest(name string, names []string) string {
	nearest, least := "", len(name)/3+1 // more typing errors than that make another word
	for _, n := range names {
		if d := distance(name, n); d <= least && (nearest == "" || d < least) {
			nearest, least = n, d
		}
	}
	return nearest
}

// distance returns how many bytes must be inserted, removed or replaced to
// make b of a (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1) // distances of what is read of a to each beginning of b
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
