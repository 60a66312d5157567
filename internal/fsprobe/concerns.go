package fsprobe

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// Concern is something that an operator should know about a file system.
type Concern struct {
	What    string
	Instead string // what to do about it
}

// Concerns returns what may surprise users of the file system, the worst first.
func (r *Report) Concerns() (all []Concern) {
	add := func(is bool, what, instead string) {
		if is {
			all = append(all, Concern{what, instead})
		}
	}
	if r.Kind == Local {
		return nil
	}
	isNFS := strings.HasPrefix(r.Type, "nfs")
	add(r.Hangs, "a file system does not answer", "see whether its server runs; until it answers, its files are refused with 503 and 450")
	if r.isForItsUserAlone() {
		owner, _ := r.option("user_id")
		add(true, "a FUSE file system refuses this user, because another one has mounted it",
			"mount it with allow_other, or run the server as the user with the number "+owner)
		return all
	}
	add(isNFS && r.has("soft", "softerr"), "an NFS mount is soft: if its server is slow, transfers break off, and written data may be lost", "mount it with hard")
	add(r.Replace == No, "a file system does not replace files at once: a client that asks for a file while an upload replaces it may find none", r.hint("let clients ask again"))
	add(r.Resume == No, "a file system cannot write into files that exist: broken uploads cannot be resumed, and APPE fails", r.hint("upload whole files"))
	add(r.Sync == No, "a file system cannot sync files: uploads there fail, or may be lost after they were acknowledged", r.hint("--durability none"))
	add(r.Lock == No, "a file system has no locks: two servers may write to the same unfinished upload", r.hint("let one server receive uploads"))
	add(r.Lock == Yes && isNFS && r.hasLocalLocks(), "locks of an NFS mount hold on this host only: servers on two hosts may write to the same unfinished upload",
		"mount it without nolock and local_lock, or let one host receive uploads")
	add(r.Sendfile == No, "a file system cannot use sendfile: its files are copied, which takes more of the processor", r.hint("for FUSE, mount it without direct_io"))
	return all
}

func (r *Report) hasLocalLocks() bool { return r.has("nolock", "local_lock=all", "local_lock=flock") }

// hint returns what helps for the file systems that are known, or else what helps for every one.
func (r *Report) hint(otherwise string) string {
	if strings.HasPrefix(r.Type, "fuse.rclone") {
		return "rclone mount --vfs-cache-mode writes"
	}
	return otherwise
}

// isForItsUserAlone reports whether FUSE refuses this process because of its user. It refuses root too.
func (r *Report) isForItsUserAlone() bool {
	if r.Kind != FUSE || r.has("allow_other") || !errors.Is(r.Err, fs.ErrPermission) {
		return false
	}
	owner, _ := r.option("user_id")
	return cmp.Or(owner, "0") != strconv.Itoa(os.Geteuid())
}
