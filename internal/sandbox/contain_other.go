//go:build !unix

package sandbox

import "errors"

// canRestrict is set on systems that may have a sandbox.
const canRestrict = false

// checkBecome is not reached: the user never changes on these systems.
func checkBecome(*User) error { return nil }

// contain changes nothing.
func contain(p Plan) (Report, error) {
	r := Report{UID: -1, GID: -1}
	if p.Mode != Off {
		r.addMissing("landlock, seccomp, no_new_privs", errors.New("only Linux has them"))
	}
	return r, nil
}
