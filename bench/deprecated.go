package bench

// renameOld gives a report of version 0.1 the words of this version.
// The cells, metrics and parameters are the same.
func (r *Report) renameOld() {
	if r.Kind == "road" {
		r.Kind = "method"
	}
	if r.Title == "Roads from the page cache to a socket" {
		r.Title = MethodsTitle
	}
}
