package plan

import (
	"net/url"
	"strings"
)

// hasWord reports whether a query has a word that stands for itself: "zip", or "zip=" as forms send it. With a value it
// belongs to others, for example to the links of nginx's secure_link, "?md5=HASH&expires=TIME".
func hasWord(query, word string) bool {
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if value != "" {
			continue
		}
		if decoded, err := url.QueryUnescape(name); err == nil && decoded == word {
			return true
		}
	}
	return false
}
