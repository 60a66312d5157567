package httpd

import "sluice/httpd/internal/plan"

// Rule gives the responses for certain paths a line of header. Its fields are
//
//	Pattern, Name, Value string
//
// A Pattern with a slash is matched against the whole path, element by element as
// by [path.Match]; the element ** stands for any number of elements, also none. A
// Pattern without a slash is matched against the last element: "*.js", "/assets/**",
// "/**/draft-?.txt". The path is that of the request, or that of the index file that is sent
// for it, and a slash at its end does not count. Handler.Fallback has only its own path.
//
// Rules hold for responses that are no errors, so that no error is kept in a cache
// for a year. Of several rules for one Name the last wins, also over the server's
// own value; an empty Value removes the line. Cache-Control and Expires hold for listings,
// archives and redirects, which change, only if the Pattern ends in a slash. A Rule that ParseRule would refuse
// has no effect.
type Rule = plan.Rule

// ParseRule parses "PATTERN Name: value". It refuses fields that only the server
// can set, because they say where the message ends or which part of the file it is.
func ParseRule(s string) (Rule, error) { return plan.ParseRule(s) }
