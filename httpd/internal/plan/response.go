package plan

import "sluice/internal/filecache"

// Response is a response before it is written. The caller calls Release when it
// has been sent.
type Response struct {
	Status int
	Header Header // without Content-Length and the fields of a connection: Date, Connection
	Body   Body   // also of a response to HEAD, of which only the length is sent

	// Reason is why the server could not or would not answer, for the log: of a 403, and of a status from 500 on; or that
	// the client was sent to the store. "": the status says all.
	Reason string

	isFile      bool            // it is a file, or about one, of that name
	isFallback  bool            // the file stands for a name that does not exist
	isElsewhere bool            // the client is sent to the store for the file
	name        string          // of the file
	file        *filecache.File // that Body holds; nil: none
	release     func()          // gives back what else it holds; nil: nothing
}

// Release gives back the files and the room that the response holds.
func (r *Response) Release() {
	if r.file != nil {
		r.file.Release()
	}
	if r.release != nil {
		r.release()
	}
}

// Fail says that the file of the response could not be read to the end, so that it is
// opened anew for the next one.
func (r *Response) Fail() {
	if r.file != nil {
		r.file.Fail()
	}
}

// HasLength reports whether the response has a Content-Length. Responses that
// never have a body have none (RFC 9110, 8.6), nor has one that is streamed.
func (r *Response) HasLength() bool {
	return !r.Body.isStream() && r.Status != statusNoContent && r.Status != statusNotModified
}

// Header holds the lines of a header, in order.
type Header []Field

// Field is a line of a header. Its name is in canonical form.
type Field struct{ Name, Value string }

func (h *Header) add(name, value string) { *h = append(*h, Field{name, value}) }

// set makes the line the only one of its name; an empty value removes all.
func (h *Header) set(name, value string) {
	kept := (*h)[:0:0]
	for _, f := range *h {
		if f.Name != name {
			kept = append(kept, f)
		}
	}
	if value != "" {
		kept = append(kept, Field{name, value})
	}
	*h = kept
}

// get returns the value of the first line of the name, or "".
func (h Header) get(name string) string {
	for _, f := range h {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

// vary adds a header field of requests to those that the response depends on.
func (h *Header) vary(name string) {
	for i, f := range *h {
		if f.Name == "Vary" {
			(*h)[i].Value += ", " + name
			return
		}
	}
	h.add("Vary", name)
}
