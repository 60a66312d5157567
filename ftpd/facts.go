package ftpd

import "sluice/ftpd/internal/list"

// factSet returns the facts that the client wants.
func (c *contentState) factSet() list.FactSet {
	if c.wanted == nil {
		return list.AllFacts
	}
	return *c.wanted
}

// featMLST returns the line of FEAT that names the facts, those that MLST and
// MLSD show with a star (RFC 3659, 7.8).
func featMLST(s *session) string { return "MLST " + s.content.factSet().Feature() }

// optsMLST answers OPTS MLST, which names the facts to be shown (RFC 3659, 7.9).
func (s *session) optsMLST(arg string) reply {
	wanted := list.ParseFacts(arg)
	s.content.wanted = &wanted
	return say(200, "MLST OPTS "+wanted.String())
}
