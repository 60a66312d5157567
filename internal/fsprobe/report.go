package fsprobe

import (
	"strings"
	"time"
)

// Kind says whose a file system is.
type Kind uint8

// The kinds.
const (
	Local   Kind = iota // of this machine, or not known
	Network             // of another machine
	FUSE                // of a process of this machine, behind which anything may be
)

// String returns "local", "network" or "fuse".
func (k Kind) String() string { return [...]string{"local", "network", "fuse"}[k] }

// Answer says whether a file system can do something.
type Answer uint8

// The answers.
const (
	NotTried Answer = iota
	Yes
	No
)

// String returns "", "yes" or "no".
func (a Answer) String() string { return [...]string{"", "yes", "no"}[a] }

func answer(yes bool) Answer {
	if yes {
		return Yes
	}
	return No
}

// Report is what was found out about the file system of a directory.
type Report struct {
	Dir     string
	Kind    Kind
	Type    string   // in the words of the system, such as nfs4 or fuse.rclone; "": not known
	Source  string   // what is mounted, such as host:/export; "": not known
	Options []string // those of the mount

	// Hangs means that the file system has not answered in time, and During what it was asked for. The fields below have
	// the answers from before that.
	Hangs  bool
	During string

	// Err says why the directory cannot be used, or not be written to although that was asked for.
	Err error

	Sendfile Answer        // files go from it to a socket within the kernel
	Replace  Answer        // a rename replaces a file, and a reader finds one at every moment
	Sync     Answer        // fsync(2) of a file succeeds
	Resume   Answer        // bytes of a file that exists can be written
	Lock     Answer        // a lock of one descriptor keeps out another one
	Seen     Answer        // what is written is seen by a second descriptor before the first is closed
	Cases    Answer        // f and F are different names
	Time     time.Duration // the unit of the times of modification that programs set; 0: not known, or they cannot
}

// Attrs returns what is known, for a log: names and values in turns. Of the options it has those that change how the file
// system behaves.
func (r *Report) Attrs() []any {
	attrs := []any{"at", r.Dir}
	add := func(name, value string) {
		if value != "" {
			attrs = append(attrs, name, value)
		}
	}
	add("type", r.Type)
	add("source", r.Source)
	add("options", strings.Join(r.importantOptions(), ","))
	if r.Err != nil {
		add("err", r.Err.Error())
	}
	add("sendfile", r.Sendfile.String())
	add("replace", r.Replace.String())
	add("sync", r.Sync.String())
	add("resume", r.Resume.String())
	add("lock", r.Lock.String())
	add("seen", r.Seen.String())
	add("cases", r.Cases.String())
	if r.Time > 0 {
		add("time_unit", r.Time.String())
	}
	return attrs
}

// has reports whether the mount has one of these options, such as soft or local_lock=all.
func (r *Report) has(options ...string) bool {
	for _, o := range r.Options {
		for _, wanted := range options {
			if o == wanted {
				return true
			}
		}
	}
	return false
}

// option returns the value of an option, such as 60 for actimeo=60.
func (r *Report) option(name string) (value string, ok bool) {
	for _, o := range r.Options {
		if key, value, _ := strings.Cut(o, "="); key == name {
			return value, true
		}
	}
	return "", false
}

// isImportant has the options, or what is before their equals sign, that say what happens if a server does not answer,
// who is locked out, and how long changes by others are not seen. See nfs(5), mount.cifs(8), mount.fuse(8).
var isImportant = map[string]bool{
	"ro": true, "hard": true, "soft": true, "softerr": true, "softreval": true, "timeo": true, "retrans": true, "vers": true,
	"nolock": true, "local_lock": true, "nobrl": true, "sync": true, "noac": true, "actimeo": true, "acregmin": true,
	"acregmax": true, "acdirmin": true, "acdirmax": true, "nocto": true, "lookupcache": true, "cache": true,
	"allow_other": true, "default_permissions": true, "user_id": true,
}

// importantOptions returns the options of isImportant, each once.
func (r *Report) importantOptions() (options []string) {
	if r.Kind == Local {
		return nil
	}
	seen := make(map[string]bool)
	for _, o := range r.Options {
		if key, _, _ := strings.Cut(o, "="); isImportant[key] && !seen[o] {
			seen[o] = true
			options = append(options, o)
		}
	}
	return options
}
