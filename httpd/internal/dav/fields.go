package dav

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// Depth is the value of the field Depth.
type Depth int

// The depths of RFC 4918, 10.2.
const (
	DepthZero Depth = iota
	DepthOne
	DepthInfinity
)

// ErrField means that a field is malformed.
var ErrField = errors.New("malformed field")

// ParseDepth parses the field Depth. Without a field the depth is absent.
func ParseDepth(text string, absent Depth) (Depth, error) {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "":
		return absent, nil
	case "0":
		return DepthZero, nil
	case "1":
		return DepthOne, nil
	case "infinity":
		return DepthInfinity, nil
	}
	return 0, ErrField
}

// ParseOverwrite parses the field Overwrite. Without a field it is true.
func ParseOverwrite(text string) (bool, error) {
	switch strings.TrimSpace(text) {
	case "", "T", "t":
		return true, nil
	case "F", "f":
		return false, nil
	}
	return false, ErrField
}

// ParseTimeout returns the first time of the field Timeout that is understood; 0: as long as possible.
func ParseTimeout(text string) time.Duration {
	for one := range strings.SplitSeq(text, ",") {
		one = strings.TrimSpace(one)
		if strings.EqualFold(one, "Infinite") {
			return 0
		}
		if seconds, found := strings.CutPrefix(one, "Second-"); found {
			if n, err := strconv.ParseUint(seconds, 10, 32); err == nil && n > 0 {
				return time.Duration(n) * time.Second
			}
		}
	}
	return 0
}

// ParseLockToken returns the token of the field Lock-Token, which is in angle brackets.
func ParseLockToken(text string) (string, error) {
	text = strings.TrimSpace(text)
	if len(text) < 3 || text[0] != '<' || text[len(text)-1] != '>' {
		return "", ErrField
	}
	return text[1 : len(text)-1], nil
}

// IfList is a list of conditions of the field If, all of which must hold.
type IfList struct {
	Tag        string // URI of the resource that they are about; "": that of the request
	Conditions []Condition
}

// Condition is about a lock, or an entity tag.
type Condition struct {
	Not   bool
	Token string // of a lock; "": ETag counts
	ETag  string
}

// maxConditions bounds the work for one request.
const maxConditions = 100

// ParseIf parses the field If (RFC 4918, 10.4): one of the lists must hold. Without a field there are none.
func ParseIf(text string) (lists []IfList, err error) {
	s := scanner{text}
	if s.next() == 0 {
		return nil, nil
	}
	tag, isTagged := "", false
	conditions, after := 0, 0 // in all lists; lists after the last tag
	for {
		switch s.next() {
		case 0:
			if after == 0 {
				return nil, ErrField
			}
			return lists, nil
		case '<':
			uri, ok := s.until('<', '>')
			if !ok || uri == "" || len(lists) > 0 && !isTagged || isTagged && after == 0 {
				return nil, ErrField
			}
			tag, isTagged, after = uri, true, 0
		case '(':
			list, ok := s.list()
			if conditions += len(list); !ok || conditions > maxConditions {
				return nil, ErrField
			}
			lists = append(lists, IfList{tag, list})
			after++
		default:
			return nil, ErrField
		}
	}
}

// scanner reads the field If.
type scanner struct{ rest string }

// next returns the next character that is not a space, without reading it; 0 at the end.
func (s *scanner) next() byte {
	s.rest = strings.TrimLeft(s.rest, " \t")
	if s.rest == "" {
		return 0
	}
	return s.rest[0]
}

// until reads what is between two characters.
func (s *scanner) until(begin, end byte) (string, bool) {
	if s.next() != begin {
		return "", false
	}
	i := strings.IndexByte(s.rest, end)
	if i < 0 {
		return "", false
	}
	text := s.rest[1:i]
	s.rest = s.rest[i+1:]
	return text, true
}

// list reads conditions in parentheses.
func (s *scanner) list() (all []Condition, ok bool) {
	s.rest = s.rest[1:]
	for {
		var c Condition
		if s.next(); len(s.rest) >= 3 && strings.EqualFold(s.rest[:3], "Not") {
			c.Not = true
			s.rest = s.rest[3:]
		}
		switch s.next() {
		case ')':
			s.rest = s.rest[1:]
			return all, len(all) > 0 && !c.Not
		case '<':
			c.Token, ok = s.until('<', '>')
			ok = ok && c.Token != ""
		case '[':
			c.ETag, ok = s.tag()
		default:
			return nil, false
		}
		if !ok {
			return nil, false
		}
		all = append(all, c)
	}
}

// tag reads an entity tag in brackets. The tag itself, in quotes, may have brackets.
func (s *scanner) tag() (string, bool) {
	text := strings.TrimPrefix(s.rest[1:], "W/")
	weak := len(s.rest) - 1 - len(text)
	if !strings.HasPrefix(text, `"`) {
		return "", false
	}
	end := strings.IndexByte(text[1:], '"') + 2
	if end < 2 || !strings.HasPrefix(text[end:], "]") {
		return "", false
	}
	tag := s.rest[1 : 1+weak+end]
	s.rest = text[end+1:]
	return tag, true
}
