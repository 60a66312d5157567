// Package status is the JSON schema of /status.json: who is connected, what
// moves, and what the operating system reports about the server's process and
// listeners.
//
// [Status] is the whole document. Package live fills its [Snapshot], the
// sessions and totals; package admin fills its [Server]. "sluice top" and
// "sluice who" read the document back, and so do scripts.
//
// # Compatibility
//
// [Schema] changes when a field is renamed, is removed or gets another meaning;
// a new field does not change it. A value that is unknown, or that the system
// does not report, is absent: nil or empty here, missing in the JSON. It is
// never zero instead. Times are RFC 3339; every other field with a unit has the
// unit in its name.
package status
