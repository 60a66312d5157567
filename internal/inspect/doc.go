// Package inspect reads what this host reports about processes and TCP sockets,
// and shows it as text and JSON: the commands procinfo, netstat and procsmem.
//
//	p, err := inspect.Host().Open(pid)
//	info, err := inspect.ReadProcess(p)
//	fmt.Print(info)                      // the page of "sluice procinfo"
//	err = json.NewEncoder(w).Encode(info)
//
// The readings are those of package metrics. A value that the system does not
// report, or not to this user, is absent: no line in the text, no field in the
// JSON, "-" in a table. It is never zero instead. Names and arguments of
// processes are untrusted and pass show.Plain before they are printed; the
// environment of a process is not read at all, since it may hold secrets.
package inspect
