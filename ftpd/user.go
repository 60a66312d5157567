package ftpd

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"slices"
	"strings"
	"syscall"

	ftpserver "github.com/fclairamb/ftpserverlib"
	"github.com/spf13/afero"

	"sluice/ftpd/internal/list"
	"sluice/internal/account"
	"sluice/internal/budget"
	"sluice/internal/durable"
	"sluice/internal/partial"
	"sluice/internal/quota"
	"sluice/internal/rightsfs"
	"sluice/internal/upload"
	"sluice/internal/vfs"
)

// user is a client that has logged in: its file system and its rights. The methods
// take absolute, clean paths of its tree.
type user struct {
	account    Account
	name       string         // in hooks, limits and kept uploads
	rights     account.Rights // where no path has others
	tree       vfs.Tree
	view       *rightsfs.Tree // of tree, as far as the rights allow to see it; nil: all
	isRoot     bool           // the tree is a directory of this machine: its files open at once
	closeHome  func()         // closes tree, if newUser has opened it; else nil
	isReadOnly bool           // the tree is
	ext        extensions
	disk       durable.Policy // for the changes that the user makes
	space      *quota.Space   // what the user may write; nil: no bound
}

// party returns for whom commands of u take what clients share. host is the client's address, or its network.
func (u *user) party(host netip.Addr) budget.Party {
	if u.name == anonymous {
		return budget.Party{Client: host}
	}
	return budget.Party{Client: host, Account: u.name}
}

// errName is the error for a name that no file of the user can have.
var errName = ftpserver.ErrFileNameNotAllowed

// newUser returns the user of the account a that has logged in as name. disk says
// which of its changes are synced to the disk. The caller closes the user.
func newUser(a *Account, name string, disk durable.Policy) (*user, error) {
	if vfs.IsNil(a.FS) {
		return nil, errNoFS
	}
	if a.Name != "" {
		name = a.Name
	}
	u := &user{account: *a, name: name, rights: a.Rights, tree: vfs.Of(a.FS), disk: disk}
	u.space = quota.SpaceIn(a.Volume, a.Home, a.Quota)
	if a.Home != "" {
		home, leave, err := vfs.Sub(u.tree, a.Home)
		if err != nil {
			return nil, err
		}
		u.tree, u.closeHome = home, leave
	}
	if tree, ok := u.tree.(interface{ CanWrite() bool }); ok {
		_, u.isRoot = tree.(*vfs.Root)
		if !tree.CanWrite() { // otherwise MLSD would show rights that the tree refuses
			u.rights &= ReadOnly | Who
			u.isReadOnly = true
		}
	}
	if rightsfs.IsNeeded(u.rights, a.Paths) {
		u.view = rightsfs.New(u.tree, u.rights, a.Paths)
	}
	return u, nil
}

// close closes the tree, if newUser has opened it. u may be nil.
func (u *user) close() {
	if u != nil && u.closeHome != nil {
		u.closeHome()
	}
}

// rightsAt returns the rights to what is called name.
func (u *user) rightsAt(name string) account.Rights {
	if u.view == nil {
		return u.rights
	}
	return u.readOnlyOr(u.view.RightsAt(name))
}

// rightsBelow returns the rights to the directory name with all that is in it.
func (u *user) rightsBelow(name string) account.Rights {
	if u.view == nil {
		return u.rights
	}
	return u.readOnlyOr(u.view.RightsBelow(name))
}

func (u *user) readOnlyOr(rights account.Rights) account.Rights {
	if u.isReadOnly {
		rights &= ReadOnly
	}
	return rights
}

// readTree returns the tree to read from.
func (u *user) readTree() vfs.Tree {
	if u.view == nil {
		return u.tree
	}
	return u.view
}

// maySee returns an error if the user has no right to any file. Such a user must not
// learn which files exist.
func (u *user) maySee() error {
	if u.account.Paths.Union(u.rights)&account.All == 0 {
		return fs.ErrPermission
	}
	return nil
}

// conceals reports whether name does not exist for the user: because it is the hidden
// file of an unfinished upload, or begins with a dot where the account hides such names.
func (u *user) conceals(name string) bool {
	return partial.IsIn(name) || u.account.HideDotFiles && vfs.IsHidden(name)
}

// stat describes the file or directory name, unless it is concealed. It follows links.
func (u *user) stat(name string) (fs.FileInfo, error) {
	if err := u.maySee(); err != nil {
		return nil, err
	}
	if u.conceals(name) {
		return nil, fs.ErrNotExist
	}
	info, err := u.readTree().Stat(name)
	return info, stripPaths(err)
}

// entry describes name, unless it is concealed. It describes a link itself.
func (u *user) entry(name string) (list.Item, error) {
	if err := u.maySee(); err != nil {
		return list.Item{}, err
	}
	if u.conceals(name) {
		return list.Item{}, fs.ErrNotExist
	}
	info, err := u.readTree().Entry(name)
	if err != nil {
		return list.Item{}, stripPaths(err)
	}
	return itemOf(info), nil
}

// statIfAllowed is stat for SIZE and MDTM, which need one of the rights of mayStat.
func (u *user) statIfAllowed(name string) (fs.FileInfo, error) {
	if err := u.mayStat(name); err != nil {
		return nil, err
	}
	return u.stat(name)
}

// mayStat returns an error unless the user has the right List or Read to name, or knows
// it as a directory on the way to other rights.
func (u *user) mayStat(name string) error {
	switch {
	case u.rightsAt(name)&account.ReadOnly != 0:
		return nil
	case u.account.Paths != nil:
		return u.absentUnless(u.account.Paths.Passes(name, u.rights), name)
	}
	return fs.ErrPermission
}

// absentUnless returns nil if ok, and else the error for a name that the user may not
// see: with rights by path it is absent.
func (u *user) absentUnless(ok bool, name string) error {
	switch {
	case ok:
		return nil
	case u.account.Paths != nil && !u.view.Sees(name):
		return fs.ErrNotExist
	}
	return fs.ErrPermission
}

// mayListFile returns an error unless the file name may be in a listing. Only those who
// may read it learn that it is there.
func (u *user) mayListFile(name string) error {
	switch rights := u.rightsAt(name); {
	case rights.Has(account.List):
		return nil
	case rights.Has(account.Read):
		return fs.ErrPermission
	}
	return fs.ErrNotExist
}

// listsByPath reports whether it depends on the path whether the user may list.
func (u *user) listsByPath() bool { return u.account.Paths != nil || u.rights.IsDropBox() }

// mayList returns an error unless the directory name can be listed.
func (u *user) mayList(name string) error {
	if !u.listsByPath() {
		return u.may(account.List, name)
	}
	return u.absentUnless(u.view.MayList(name), name)
}

// readDir describes the entries of a directory that are not concealed, sorted by name.
func (u *user) readDir(name string) ([]list.Item, error) {
	dir, err := u.openDir(name)
	if err != nil {
		return nil, err
	}
	defer dir.close()
	all := make([]list.Item, 0, 16)
	for {
		items, err := dir.next()
		if err == io.EOF { //nolint:errorlint // the bare value, as from a Reader
			slices.SortStableFunc(all, func(a, b list.Item) int { return strings.Compare(a.Name, b.Name) })
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all = append(all, items...)
	}
}

// itemDir is an open directory of a user.
type itemDir struct {
	user  *user
	dir   *vfs.Dir
	items []list.Item
}

// openDir opens a directory to read the entries that are not concealed, some at a time, in
// the order of the file system. The caller closes it.
func (u *user) openDir(name string) (*itemDir, error) {
	dir, err := u.openEntries(name)
	if err != nil {
		return nil, stripPaths(err)
	}
	return &itemDir{user: u, dir: dir}, nil
}

// next returns the next entries, which are valid until the next call. The error is io.EOF at
// the end.
func (d *itemDir) next() ([]list.Item, error) {
	infos, err := d.dir.Next()
	if err != nil {
		return nil, stripPaths(err)
	}
	d.items = slices.Grow(d.items[:0], len(infos))
	for _, info := range infos {
		if !d.user.conceals(info.Name()) {
			d.items = append(d.items, itemOf(info))
		}
	}
	clear(infos)
	return d.items, nil
}

// close closes the directory.
func (d *itemDir) close() { d.dir.Close() }

// itemOf makes an item of a result of Entry or Entries of vfs.Tree, under its own name.
func itemOf(info fs.FileInfo) list.Item {
	it := list.Item{Info: info, Name: info.Name()}
	if link, ok := info.(*vfs.Link); ok {
		it.Info, it.Link = link.FileInfo, &list.Link{Target: link.Target, End: link.End}
	}
	return it
}

// openWhole opens a regular file that is not concealed, to be read from an offset on, and returns its size. The
// caller closes it.
func (u *user) openWhole(name string, from int64) (afero.File, int64, error) {
	if err := u.may(account.Read, name); err != nil {
		return nil, 0, err
	}
	if u.conceals(name) {
		return nil, 0, fs.ErrNotExist
	}
	open := vfs.Tree.Open
	if from == 0 {
		open = vfs.OpenToRead
	}
	f, err := open(u.readTree(), name)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = syscall.EISDIR
	}
	if err != nil {
		_ = f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// keptPart describes the received part of the user's last upload to name.
func (u *user) keptPart(name string) (fs.FileInfo, error) {
	return uploads.Kept(u.uploadWriter(name), name)
}

// forgetKeptPart removes the kept part of an upload to name, if the user may rename files.
func (u *user) forgetKeptPart(name string) {
	if u.may(account.Rename, name) == nil {
		uploads.DiscardKept(u.uploadWriter(name), name)
	}
}

// existingPolicy says what becomes of a file that has the name of a new one.
func (u *user) existingPolicy(name string) upload.Existing {
	switch rights := u.rightsAt(name); {
	case rights.Has(account.Change):
		return upload.Replace
	case rights.IsDropBox():
		return upload.Evade
	}
	return upload.Leave
}

// uploadWriter returns what package upload needs to change the file name for the user. No
// parts of uploads are kept, so there is no owner, if a driver opens files itself
// (GetHandle), and for guests, who share one name.
func (u *user) uploadWriter(name string) upload.Writer {
	w := upload.Writer{Tree: u.tree, Owner: u.name, Existing: u.existingPolicy(name), Disk: u.disk, Space: u.space}
	if u.ext.open != nil || u.name == anonymous {
		w.Owner = ""
	}
	return w
}

// remove removes a file, a special file, or a link, but not what the link leads to. It
// refuses a directory.
func (u *user) remove(name string) error {
	return u.change(account.Delete, name, func(name string) error {
		return uploads.Remove(u.uploadWriter(name), name, u.tree.Remove)
	})
}

// removeDir removes an empty directory. It also removes a symbolic link, but not what
// that leads to: clients that do not know links take one for a directory, and could not
// remove its parent otherwise.
func (u *user) removeDir(name string) error {
	removeDir := u.tree.RemoveDir
	if u.ext.removeDir != nil {
		removeDir = u.ext.removeDir
	}
	return u.removeDirWith(name, func(name string) error {
		err := removeDir(name)
		if err != nil && u.isLink(name) {
			err = u.tree.Remove(name)
		}
		return err
	})
}

// isLink reports whether name is a symbolic link.
func (u *user) isLink(name string) bool {
	info, err := u.tree.Lstat(name)
	return err == nil && info.Mode().Type() == fs.ModeSymlink
}

// removeAll removes a directory with all its contents.
func (u *user) removeAll(name string) error {
	return u.removeWhole(name, func(name string) error {
		return uploads.RemoveAll(u.uploadWriter(name), name, u.tree.RemoveAll)
	})
}

// removeDirWith removes an empty directory by calling f.
func (u *user) removeDirWith(name string, f func(name string) error) error {
	return u.removeWhole(name, func(name string) error { return uploads.RemoveDir(u.uploadWriter(name), name, f) })
}

// removeWhole calls remove for a directory, if the user may remove all that can be in it.
func (u *user) removeWhole(name string, remove func(name string) error) error {
	if err := u.mayMove(account.Delete, name); err != nil {
		return err
	}
	return u.change(account.Delete, name, remove)
}

// mkdir makes a directory.
func (u *user) mkdir(name string, perm fs.FileMode) error {
	return u.makeDir(name, func(name string) error { return u.tree.Mkdir(name, perm) })
}

// mkdirAll makes a directory and its missing parents.
func (u *user) mkdirAll(name string, perm fs.FileMode) error {
	return u.makeDir(name, func(name string) error { return u.tree.MkdirAll(name, perm) })
}

// makeDir makes a directory by calling f, but not in a drop box, where the reply would
// show whether the name exists.
func (u *user) makeDir(name string, f func(name string) error) error {
	if u.rightsAt(name).IsDropBox() {
		return fs.ErrPermission
	}
	return u.makeWith(account.Create, name, f)
}

// makeWith makes a directory or a link by calling f.
func (u *user) makeWith(right account.Rights, name string, f func(name string) error) error {
	return u.change(right, name, func(name string) error {
		return uploads.Make(u.uploadWriter(name), name, f)
	})
}

// rename moves a file or directory. The user needs the right for all that is in a
// directory, and for all that would be in it afterwards.
func (u *user) rename(from, to string) error {
	for _, name := range []string{from, to} {
		if err := u.mayMove(account.Rename, name); err != nil {
			return err
		}
	}
	return u.change(account.Rename, from, func(from string) error {
		return u.change(account.Rename, to, func(to string) error {
			return uploads.Rename(u.uploadWriter(to), from, to)
		})
	})
}

// symlink makes a symbolic link. It is relative, so that it stays valid if the tree is
// moved.
func (u *user) symlink(target, link string) error {
	return u.makeWith(account.Link, link, func(link string) error {
		if u.ext.symlink != nil {
			return u.ext.symlink(target, link)
		}
		return u.tree.Symlink(target, link)
	})
}

// free returns how much the user may write to a directory, in bytes: the free space of
// the disk without its reserve, or what is left of the quota.
func (u *user) free(dir string) (int64, error) {
	info, err := u.stat(dir)
	switch {
	case err != nil:
		return 0, err
	case u.ext.free == nil:
		free, err := u.tree.Free(dir)
		if err != nil {
			return 0, err
		}
		return u.space.Free(dir, free), nil
	case !info.IsDir():
		return 0, errNoDirectory
	}
	return u.ext.free(dir)
}

// change calls f to change name, if the user has the right.
func (u *user) change(right account.Rights, name string, f func(name string) error) error {
	if err := u.mayChange(right, name); err != nil {
		return err
	}
	return stripPaths(f(name))
}

// changeFile is change for an existing file or directory: special files do not exist
// for a client.
func (u *user) changeFile(name string, f func(name string) error) error {
	return u.change(account.Change, name, func(name string) error {
		if _, err := u.readTree().Stat(name); err != nil {
			return err
		}
		return uploads.Change(u.uploadWriter(name), name, f)
	})
}

// mayChange returns an error if the user lacks the right, or if name is concealed. The
// tree does not check that: it may be writable for other users.
func (u *user) mayChange(right account.Rights, name string) error {
	if err := u.may(right, name); err != nil {
		return err
	}
	if u.conceals(name) {
		return errName
	}
	return nil
}

// mayMove returns an error if the user lacks the right to name with all that may be in
// it. Whether there is anything does not matter, so that nothing is learned about it.
func (u *user) mayMove(right account.Rights, name string) error {
	if u.may(right, name) == nil && !u.rightsBelow(name).Has(right) {
		return errOtherRights
	}
	return nil
}

// errOtherRights is the error for a change of a directory in which other rights hold.
var errOtherRights = errors.New("it has a path in it to which you have other rights")

// may returns an error if the user lacks the right to name. If the user has no right to
// know that, the error is that of a missing file.
func (u *user) may(right account.Rights, name string) error {
	if u.rightsAt(name).Has(right) {
		return nil
	}
	changes := !account.ReadOnly.Has(right)
	if changes && u.account.Paths.Union(u.rights)&account.All&^account.ReadOnly == 0 {
		return &missingRight{right}
	}
	err := u.absentUnless(false, name)
	if changes && errors.Is(err, fs.ErrPermission) {
		return &missingRight{right}
	}
	return err
}

// missingRight is the error for a change to which the user has no right.
type missingRight struct{ right account.Rights }

func (e *missingRight) Error() string {
	return fmt.Sprintf("permission denied: this needs the right %q", account.RightName(e.right))
}
func (e *missingRight) Is(target error) bool { return target == fs.ErrPermission }
