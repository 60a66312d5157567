package ftpd

import (
	"io"
	"io/fs"
	"path"

	ftpserver "github.com/fclairamb/ftpserverlib"
	"github.com/spf13/afero"

	"sluice/internal/vfs"
)

// extensions are the methods that a ClientDriver has beyond those of afero.Fs. If a field
// is nil, this package uses the methods of afero.Fs instead.
type extensions struct {
	readDir   func(name string) ([]fs.FileInfo, error)
	removeDir func(name string) error
	symlink   func(target, name string) error
	free      func(dir string) (int64, error)
	allocate  func(size int) error
	hash      func(name string, algorithm ftpserver.HASHAlgo, start, end int64) (string, error)
	site      func(param string) *ftpserver.AnswerCommand
	open      func(name string, flags int, offset int64) (ftpserver.FileTransfer, error)
}

// extensionsOf returns the extensions of client. Those that change files call
// [vfs.CountChange], as the methods of a [vfs.Tree] do. A vfs.Root and a vfs.Joined have
// methods of some of these names, but they are not extensions.
func extensionsOf(client afero.Fs) extensions {
	var ext extensions
	switch client.(type) {
	case *vfs.Root, *vfs.Joined:
		return ext
	}
	if x, ok := client.(ftpserver.ClientDriverExtensionFileList); ok {
		ext.readDir = x.ReadDir
	}
	if x, ok := client.(ftpserver.ClientDriverExtensionRemoveDir); ok {
		ext.removeDir = func(name string) error {
			defer vfs.CountChange()
			return x.RemoveDir(name)
		}
	}
	if x, ok := client.(ftpserver.ClientDriverExtensionSymlink); ok {
		ext.symlink = func(target, name string) error {
			defer vfs.CountChange()
			return x.Symlink(target, name)
		}
	}
	if x, ok := client.(ftpserver.ClientDriverExtensionAvailableSpace); ok {
		ext.free = x.GetAvailableSpace
	}
	if x, ok := client.(ftpserver.ClientDriverExtensionAllocate); ok {
		ext.allocate = x.AllocateSpace
	}
	if x, ok := client.(ftpserver.ClientDriverExtensionHasher); ok {
		ext.hash = x.ComputeHash
	}
	if x, ok := client.(ftpserver.ClientDriverExtensionSite); ok {
		ext.site = func(param string) *ftpserver.AnswerCommand {
			defer vfs.CountChange() // it may change files
			return x.Site(param)
		}
	}
	if x, ok := client.(ftpserver.ClientDriverExtentionFileTransfer); ok {
		ext.open = x.GetHandle
	}
	return ext
}

// openEntries opens a directory, as the driver lists it. A link is a *vfs.Link.
func (u *user) openEntries(name string) (*vfs.Dir, error) {
	if u.ext.readDir == nil {
		return vfs.OpenDir(u.readTree(), name, vfs.Everything)
	}
	all, err := u.ext.readDir(name)
	if err != nil && err != io.EOF { //nolint:errorlint // a bare io.EOF means the end of the directory
		return nil, err
	}
	var infos []fs.FileInfo
	for _, info := range all {
		switch {
		case info == nil:
			continue
		case info.Mode().Type() == fs.ModeSymlink:
			info = u.linkOf(path.Join(name, info.Name()), info)
		}
		infos = append(infos, info)
	}
	return vfs.DirOf(func() ([]fs.FileInfo, error) { return infos, io.EOF }, func() {}), nil
}

// linkOf describes a link that the driver has listed as info. Its target comes from the
// methods of afero, if they can read it.
func (u *user) linkOf(name string, info fs.FileInfo) *vfs.Link {
	link := &vfs.Link{FileInfo: info}
	if entry, err := u.tree.Entry(name); err == nil {
		if known, ok := entry.(*vfs.Link); ok {
			link.Target, link.End = known.Target, known.End
		} else {
			link.End = entry // these methods follow links
		}
	}
	return link
}
