package ftpd

import "strconv"

// featAVBL offers AVBL where the file system tells what it asks for. Before the
// login nobody knows which that will be.
func featAVBL(s *session) string {
	if s.driver != nil {
		if _, err := s.driver.tree.Free("/"); err != nil {
			return ""
		}
	}
	return "AVBL"
}

// avbl answers AVBL with the room for files in a directory, in bytes (draft
// peterson-streamlined-ftp-command-extensions, 4).
func (s *session) avbl(arg string) reply {
	free, err := s.driver.tree.Free(s.driver.path(arg))
	if err != nil {
		return unavailable(err)
	}
	return say(213, strconv.FormatInt(free, 10))
}
