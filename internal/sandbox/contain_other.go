//go:build !unix

package sandbox

import "errors"

// canRestrict says whether the system may have a sandbox.
const canRestrict = false

// checkBecome is not reached: nobody is to be become.
func checkBecome(*User) error { return nil }

// contain contains nothing.
func contain(p Plan) (Report, error) {
	r := Report{UID: -1, GID: -1}
	if p.Mode != Off {
		r.addMissing("landlock, seccomp, no_new_privs", errors.New("Linux has them"))
	}
	return r, nil
}
