package account

// Rights are what a user may do, a bit each. Zero is nothing at all.
type Rights uint

// The rights there are.
const (
	List   Rights = 1 << iota // see which files there are, how large and how old
	Read                      // fetch what is in them, and its checksum
	Create                    // make files and directories under names that are free
	Change                    // replace files, append to them, set their times and modes
	Delete                    // remove files and directories
	Rename                    // move files and directories
	Link                      // make symbolic links
	Who                       // see who else is connected and what they do, by SITE WHO
)

// What most users have. Who is in neither: names of files tell much.
const (
	ReadOnly = List | Read
	All      = ReadOnly | Create | Change | Delete | Rename | Link
)

// Has reports whether r holds all of the given rights.
func (r Rights) Has(all Rights) bool { return r&all == all }
