package rate

import (
	"runtime"
	"sync"
	"weak"
)

// Users has the limits of users, which the servers of several protocols can share. The zero
// value is ready for use; it is safe for concurrent use.
//
// It has a limit as long as somebody else has it, such as a transfer, and the garbage
// collector finds out. A limit that nobody has is worth no more than a new one, so a user
// gains nothing by coming back.
type Users struct {
	mu     sync.Mutex // guards the field below
	limits map[userRate]weak.Pointer[UserLimit]
}

// UserLimit limits all transfers of a user together, in each direction.
type UserLimit struct{ Down, Up Limit }

// userRate is a user and its rate, which may differ at the next login.
type userRate struct {
	name string
	rate int64
}

// OfUser returns the limit that all transfers of a user share, or nil without one:
// bytesPerSecond is zero or less. The caller keeps it for as long as it uses it.
//
// It is no method, because public packages name the type.
func OfUser(u *Users, name string, bytesPerSecond int64) *UserLimit {
	if bytesPerSecond <= 0 {
		return nil
	}
	key := userRate{name, bytesPerSecond}
	u.mu.Lock()
	defer u.mu.Unlock()
	if limit := u.limits[key].Value(); limit != nil {
		return limit
	}
	limit := new(UserLimit)
	limit.Down.start(bytesPerSecond)
	limit.Up.start(bytesPerSecond)
	if u.limits == nil {
		u.limits = make(map[userRate]weak.Pointer[UserLimit])
	}
	u.limits[key] = weak.Make(limit)
	runtime.AddCleanup(limit, u.forget, key)
	return limit
}

// forget removes a limit that nobody has any more, unless there is a new one.
func (u *Users) forget(key userRate) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.limits[key].Value() == nil {
		delete(u.limits, key)
	}
}
