package ftpd

import (
	"crypto/tls"
	"errors"
	"net/netip"

	ftpserver "github.com/fclairamb/ftpserverlib"

	"sluice/ftpd/internal/dataconn"
	"sluice/internal/account"
	"sluice/internal/durable"
	"sluice/internal/rate"
	"sluice/internal/vfs"
)

// Root is a directory of this machine as an afero.Fs: no name and no symbolic link leads out of it, its files are
// *os.File, and so their bytes go by sendfile and splice. [Dir] opens one. Besides the methods of afero.Fs it has
//
//	Writable() *Root                       // the same directory, in which files may be changed
//	CanWrite() bool                        // whether they may, through this Root
//	Sub(name string) (*Root, error)        // a directory in it, as a Root that the caller closes
//	Symlink(target, name string) error     // makes a relative link
//	Lstat(name string) (fs.FileInfo, error)
//	Free(name string) (int64, error)       // bytes for which there is room
//	Dir() string                           // the absolute path that it was opened by
//	Close() error                          // for all that came of it by Writable, but not by Sub
//
// A file that a Root gets by an upload appears whole or not at all.
type Root = vfs.Root

// Dir opens the directory name, through which files can be read; see [Root] for how they can be changed. The caller
// closes it, after the last server that uses it.
func Dir(name string) (*Root, error) { return vfs.Open(name) }

// Account is who a user is, and what it may. It is what [Server.Login] returns:
//
//	Name string               // how hooks, limits and kept uploads know the user; "": as it logged in
//	FS   afero.Fs             // what it sees; not nil
//	Home string               // the directory of FS that it sees as the root; "": all of FS. One that is not there
//	                          // refuses the login, which does not count as a wrong password
//	Rights Rights             // zero: none
//	HideDotFiles bool         // names that begin with a dot, but .well-known, are not there
//
//	MaxSessions int           // at one time; 0: any number
//	MaxRate int64             // bytes per second of all its transfers in one direction; 0: any number
//	MaxRatePerTransfer int64  // bytes per second of each transfer; 0: any number
//
// FS may be any afero.Fs: a [Root], one of package afero, one of your own. It is used by many goroutines at once, and
// is yours to close after the server. What Rights allow, FS may still refuse.
type Account = account.Account

// Rights are what a user may do, a bit each. Has reports whether they hold all of some others.
type Rights = account.Rights

// The rights there are.
const (
	List   = account.List   // see which files there are, how large and how old
	Read   = account.Read   // fetch what is in them, and its checksum
	Create = account.Create // make files and directories under names that are free
	Change = account.Change // replace files, append to them, set their times and modes
	Delete = account.Delete // remove files and directories
	Rename = account.Rename // move files and directories to names that are free, and with Change over files
	Link   = account.Link   // make symbolic links
	Who    = account.Who    // see who else is connected and what they do, by SITE WHO

	ReadOnly = account.ReadOnly // List and Read
	All      = account.All      // all but Who
)

// PortRange are the ports from First to Last, both included. The zero value leaves
// the choice to the system. Its fields and its method are:
//
//	First, Last uint16
//
//	Size() int // the number of ports; 0: the choice is the system's
type PortRange = dataconn.PortRange

// Limiter is a limit of bandwidth that transfers share, whichever server they are of:
//
//	// Wait blocks until some of the next n bytes may go and returns how many, from 1 to n, or the cause of ctx when
//	// that ends first. n is all that is to come, as far as that is known.
//	Wait(ctx context.Context, n int) (int, error)
//
//	// Return gives back n bytes that Wait has granted and that have not gone.
//	Return(n int)
//
// Both are called from many goroutines.
type Limiter = rate.Limiter

// NewLimiter returns a Limiter that grants bytesPerSecond bytes per second, shared
// equally by all who wait. Zero or less is no limit: then it returns nil.
func NewLimiter(bytesPerSecond int64) Limiter { return rate.NewLimiter(bytesPerSecond) }

// Client is who asks for a login. It is a ClientContext of ftpserverlib, whose
// SetPath chooses the directory that the client begins in.
type Client struct {
	ftpserver.ClientContext
	Session uint64               // the same number in all hooks, and by which Server.Live knows it
	Remote  netip.AddrPort       // of the control connection, at the client
	Local   netip.AddrPort       // of the control connection, here
	TLS     *tls.ConnectionState // of the control connection; nil: the password came in clear
}

var (
	// ErrLogin is what LoginAttempt.Err is, or wraps, for a wrong name or password. Server.Login may return it.
	ErrLogin = errors.New("login incorrect")

	// ErrUnavailable is for Server.Login to return, or to wrap, if it cannot find out whether a password is right.
	// The client may try again, and this was no guess.
	ErrUnavailable = errors.New("login is not possible now")
)

// Durability says what is on the disk, and survives a power cut, when a client is told that its command was done.
// It reads and writes its names: full, strict, rename and none.
type Durability = durable.Level

// What is on the disk, by fsync(2), before a client hears of it. Not every file system can sync a directory (some of
// FUSE, CIFS, all on Windows): names survive there as far as it sees to them by itself.
const (
	// DurabilityFull: what was uploaded (226), new directories and links, and what was renamed, with their names.
	// What was removed, and times and modes, follow within a second.
	DurabilityFull = durable.Full
	// DurabilityStrict: those as well.
	DurabilityStrict = durable.Strict
	// DurabilityRename: the content of a file alone, before it gets its name. After a crash the name stands for the
	// old file or the whole new one.
	DurabilityRename = durable.Rename
	// DurabilityNone: nothing.
	DurabilityNone = durable.None
)

// Sync is one wait for the disk:
//
//	Directory bool         // for names in a directory, and not for the content of a file
//	Duration time.Duration // that it took
//	Err error              // nil: what it was about is on the disk
type Sync = durable.SyncResult
