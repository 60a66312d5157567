// Package upload makes files of what clients send, so that nobody ever sees a part of one.
//
//	var uploads upload.Store // one for all who write into the same trees
//
//	alice := upload.Writer{Tree: tree, Owner: "alice", Existing: upload.Replace}
//	u, err := uploads.Create(upload.Target{Writer: alice, Name: "/a.bin", Perm: 0o644, Keep: true})
//	if err != nil {
//		return err
//	}
//	res, err := sendfile.Receive(ctx, u.Writer(), conn, u.Start(), -1, nil)
//	if err != nil {
//		kept := u.Abort(u.Start()+res.Sent, err) // bytes with which alice can go on another time
//		return err
//	}
//	_, err = u.Commit(u.Start()+res.Sent, nil) // on the disk, and under its name
//
// # What becomes of the bytes
//
// [Store.Create] writes to a hidden file next to its target, which takes the target's name when all has arrived and is
// on the disk: whatever breaks off before leaves the target as it was. [Store.WriteFrom] begins in the middle: it goes
// on with what an earlier upload of the same owner has left, or works on a copy of the target. Only what is added at
// the end of a target, by WriteFrom or [Store.Append], goes into the target itself, where readers see it at once and
// what has arrived stays if it is on the disk, and whatever Target.InPlace asks it for. No other upload of the same Store is written to that
// file meanwhile: it fails with [ErrBusy]. What another program adds to the file is not overwritten, on Unix: an append
// goes behind it, and an upload that must go on at the old end fails with [ErrShared].
//
// # What is kept of an upload that broke off
//
// What has arrived is kept for its owner under another hidden name, if it is worth that and on the disk. After a crash
// of the process it is where the upload has left it: hidden files are locked (flock(2)) while they are written to, so one
// without a lock is nobody's any more. A crash of the system may have left holes in it, so that it goes on only until
// the next boot.
//
// It is no file: [Store.Kept] tells its owner how much there is, and nothing else knows of it. An upload goes on there
// only if the owner has asked that (Target.Resume). Every other upload to the target begins anew, and forgets it; so do a
// directory, a link and another file that get the name, and the removal of the target or of its directory. [Sweep]
// removes it in the end.
//
// # What is on the disk
//
// See package durable. A file is synced before it gets its name, and the name before Commit returns. After a sync that
// has failed nothing is kept, and what was added to a target is taken away again ([ErrUncertain] if that fails too).
//
// # File systems
//
// A target is in a [vfs.Tree], which vfs.Of makes of any afero.Fs. A file system in which a file can appear whole
// under its name says so by the methods of [Atomic]. Of every other one it is hoped that Rename does that, which
// cannot be found out: afero.MemMapFs and the file systems of a host do, an afero.CopyOnWriteFs does as its layer does.
//
// A file that replaces another has its permission bits, on Unix its owner and group as far as this process may give
// them, and on Linux its access control list and what users have noted in extended attributes (user.*). Other names of
// the old file (hard links) go on naming the old one. On the disk of a [vfs.Root] a file is replaced only if it
// can be opened for writing, and elsewhere unless its mode says that its owner may not write to it.
package upload
