package ftpd

import (
	"crypto/tls"
	"errors"
	"net/netip"

	ftpserver "github.com/fclairamb/ftpserverlib"
	"github.com/spf13/afero"

	"sluice/ftpd/internal/dataconn"
	"sluice/internal/account"
	"sluice/internal/budget"
	"sluice/internal/durable"
	"sluice/internal/rate"
	"sluice/internal/vfs"
)

// Root is a directory of this machine as an afero.Fs: no name and no symbolic link leads out of it, its files are
// *os.File, and so their bytes go by sendfile and splice. [Dir] opens one. Besides the methods of afero.Fs it has
//
//	Writable() *Root                       // the same directory, but writable
//	CanWrite() bool                        // reports whether it is writable
//	Sub(name string) (*Root, error)        // a subdirectory as a Root, which the caller closes
//	Symlink(target, name string) error     // makes a relative link
//	Lstat(name string) (fs.FileInfo, error)
//	Free(name string) (int64, error)       // free space, in bytes
//	Dir() string                           // its absolute path, as it was opened
//	Close() error                          // also closes the results of Writable, but not of Sub
//
// A file that is uploaded to a Root appears whole or not at all.
type Root = vfs.Root

// Dir opens the directory name for reading; Root.Writable makes it writable. The caller closes it, after the last
// server that uses it.
func Dir(name string) (*Root, error) { return vfs.Open(name) }

// Join returns a file system that shows main, and others at the paths that are their keys, such as "/releases", as
// httpd.Join does.
func Join(main afero.Fs, others map[string]afero.Fs) (afero.Fs, error) {
	return vfs.JoinFS(main, others)
}

// Account describes a user: its name, file system, rights and limits. [Server.Login] returns it:
//
//	Name string               // in hooks, limits and kept uploads; "": the name from USER
//	FS   afero.Fs             // the user's file system; not nil
//	Home string               // the directory of FS that is the user's root; "": all of FS. If it cannot be opened,
//	                          // the login is refused, which does not count as a wrong password
//	Rights Rights             // zero: none
//	HideDotFiles bool         // hides names that begin with a dot, except .well-known
//
//	MaxSessions int           // at one time; 0: no limit
//	MaxRate int64             // bytes per second of all its transfers in one direction; 0: no limit
//	MaxRatePerTransfer int64  // bytes per second of each transfer; 0: no limit
//
//	Volume *Volume            // counts the files of FS, and keeps a reserve of its disk; nil: nothing does
//	Quota Quota               // what may be below Home; it needs a Volume
//
// FS may be any afero.Fs: a [Root], one of package afero, one of your own. It is used by many goroutines at once. The
// caller closes it after the server. FS may refuse an operation that Rights allow.
type Account = account.Account

// PasswordID identifies the password of an account. Package httpd uses it; FTP does not.
type PasswordID = account.PasswordID

// Throttle counts failed logins by address (IPv6: by /64 network), by name and by both, and delays the replies. The zero
// value is ready for use:
//
//	FirstDelay time.Duration  // of the reply to the first failure; it doubles up to eight times that. 0: a second
//	Ban time.Duration         // after 20 failures an address is banned until none has been counted for so long; 0: ten minutes
//
//	Failed(name string, addr netip.Addr) time.Duration // counts a failure and returns the delay
//	Succeeded(name string, addr netip.Addr)            // failures from elsewhere do not delay this user here any more
//	Knows(name string, addr netip.Addr) bool           // Succeeded was called for both
//	IsBanned(addr netip.Addr) bool
//	Admits(name string, addr netip.Addr) bool          // the login may be checked
//
// From a banned address Login is called for 80 failures more, and 50 more for each user who has logged in from there.
// A wrong password then gets the reply to a ban, at once.
type Throttle = account.Throttle

// UserRates has the rates of users, see [Account]: MaxRate. The zero value is ready for use. Package httpd has the same
// type. It has no methods.
type UserRates = rate.Users

// Budget is what the clients of servers share, see [Server]. The zero value is ready for use. Package httpd has the same
// type. It has no methods.
type Budget = budget.Shared

// Rights is a set of permissions, a bit each. Its method Has reports whether it contains all of another set.
type Rights = account.Rights

// The rights.
const (
	List   = account.List   // see the names, sizes and times of files
	Read   = account.Read   // download files and get their checksums
	Create = account.Create // make files and directories under new names
	Change = account.Change // replace files, append to them, set their times and modes
	Delete = account.Delete // remove files and directories
	Rename = account.Rename // move files and directories to new names, and with Change over existing files
	Link   = account.Link   // make symbolic links
	Who    = account.Who    // see all connected clients and their transfers, by SITE WHO

	ReadOnly = account.ReadOnly // List and Read
	All      = account.All      // all but Who
)

// Paths are rights that differ by path, for Account.Paths. They do not change once they
// are made. A user with Paths never has the right Link.
//
// The longest path that a name is in decides, alone. A directory that leads to a path
// with any right can be entered; where its rights allow no listing, its listing has only
// the names on the way to such paths. A name that may be neither listed nor read does not
// exist for the user. The rights to a symbolic link are those of its name that hold at the file
// that it leads to, too. Moving or removing a directory needs the right for all paths in
// it.
//
// The methods At, Below, Sees, Passes, Union, WithRoot, Limit, Equal and All are for packages that
// check rights. Package httpd has the same type.
type Paths = account.Paths

// PathRights are the rights at a path, and at everything below it. Its fields are
//
//	Path   string // absolute and clean
//	Rights Rights
type PathRights = account.PathRights

// NewPaths returns the rights of all, in any order. The error says which path is no
// absolute, clean path, or is given twice. The right Link is taken from all: a link could
// lead from one path to another.
func NewPaths(all ...PathRights) (*Paths, error) { return account.NewPaths(all...) }

// PortRange is the range of ports from First to Last, both included. The zero value
// leaves the choice to the system. Its fields and its method are:
//
//	First, Last uint16
//
//	Size() int // the number of ports; 0: the system chooses
type PortRange = dataconn.PortRange

// Limiter is a bandwidth limit that transfers share, also those of different servers:
//
//	// Wait blocks until some of the next n bytes may be transferred, and returns how many, from 1 to n, or the
//	// cause of ctx if that ends first. n is the rest of the transfer, as far as that is known.
//	Wait(ctx context.Context, n int) (int, error)
//
//	// Return gives back n bytes that Wait has granted and that were not transferred.
//	Return(n int)
//
// Both are called from many goroutines.
type Limiter = rate.Limiter

// NewLimiter returns a Limiter of bytesPerSecond, shared equally by all transfers that
// wait. Zero or less is no limit: then it returns nil.
func NewLimiter(bytesPerSecond int64) Limiter { return rate.NewLimiter(bytesPerSecond) }

// Client is the client that wants to log in. It is a ClientContext of ftpserverlib, whose
// SetPath chooses the first current directory of the session.
type Client struct {
	ftpserver.ClientContext
	Session uint64               // the number of the session in all hooks and in Server.Live
	Remote  netip.AddrPort       // address of the client, of the control connection
	Local   netip.AddrPort       // address of this host, of the control connection
	TLS     *tls.ConnectionState // of the control connection; nil: the password came in clear
}

var (
	// ErrLogin is what LoginAttempt.Err is, or wraps, for a wrong name or password. Server.Login may return it.
	ErrLogin = errors.New("login incorrect")

	// ErrUnavailable is for Server.Login to return, or to wrap, if it cannot check the password. The client may try
	// again, and the attempt does not count as a failed login.
	ErrUnavailable = errors.New("login is not possible now")

	// ErrBanned is what LoginAttempt.Err is, or wraps, if the address of the client has had too many failures. If it
	// wraps ErrLogin too, the password was checked, and is wrong.
	ErrBanned = errors.New("too many wrong passwords from the address")

	// ErrTLSNeeded is what LoginAttempt.Err is if the client has sent a name without TLS, which it needs.
	ErrTLSNeeded = errors.New("login without TLS")
)

// Durability says which changes are on the disk, and survive a power cut, before the client gets the reply to its
// command. Its text forms are full, strict, rename and none.
type Durability = durable.Level

// The levels of Durability: which changes are synced, by fsync(2), before the reply. Not every file system can sync a
// directory (some of FUSE, CIFS, all on Windows); there, whether names survive depends on the file system.
const (
	// DurabilityFull: uploads (226), new directories and links, and renames, each with its name. Removals, times and
	// modes are synced within a second after the reply.
	DurabilityFull = durable.Full
	// DurabilityStrict: all changes.
	DurabilityStrict = durable.Strict
	// DurabilityRename: only the content of a file, before it gets its name. After a crash the name stands for the
	// old file or the whole new one.
	DurabilityRename = durable.Rename
	// DurabilityNone: nothing.
	DurabilityNone = durable.None
)

// Sync reports one wait for the disk:
//
//	Directory bool         // names in a directory were synced, not the content of a file
//	Duration time.Duration // of the wait
//	Err error              // nil: the changes are on the disk
type Sync = durable.SyncResult
