// Package upload receives files, so that readers never see an incomplete one.
//
//	var uploads upload.Store // one for all goroutines that write into the same trees
//
//	alice := upload.Writer{Tree: tree, Owner: "alice", Existing: upload.Replace}
//	u, err := uploads.Create(upload.Target{Writer: alice, Name: "/a.bin", Perm: 0o644, Keep: true})
//	if err != nil {
//		return err
//	}
//	res, err := sendfile.Receive(ctx, u.Writer(), conn, u.Start(), -1, nil)
//	if err != nil {
//		kept := u.Abort(u.Start()+res.Sent, err) // alice can resume after these bytes
//		return err
//	}
//	_, err = u.Commit(u.Start()+res.Sent, nil) // now on the disk, and visible under its name
//
// # Where the bytes go
//
// [Store.Create] writes to a hidden file next to its target. When all bytes have arrived and are on the disk, the hidden
// file is renamed to the target; if the upload fails before, the target is unchanged. [Store.WriteFrom] begins in the
// middle: it resumes an earlier upload of the same owner, or works on a copy of the target. Only bytes that are appended
// to a target, by WriteFrom at its end or by [Store.Append], are written into the target itself. So are all bytes if
// Target.InPlace is set. Readers see such bytes at once, and they stay if the upload fails, provided they are on the disk.
// Until it ends, other uploads of the same Store to that file fail with [ErrBusy].
//
// # Kept uploads
//
// The bytes of a failed upload are kept for its owner in another hidden file, if there are enough of them and they are on
// the disk. After a crash of the process the hidden file of the upload itself is found: such files are locked (flock(2))
// while they are written to, so one without a lock is abandoned. After a reboot it is not resumed, because a crash of the
// system may have left holes in it.
//
// Clients cannot see a kept file; only [Store.Kept] reports its size, to its owner. An upload resumes it only if the owner
// has asked for the size before (Target.Resume). Every other upload to the target starts again and discards it. It is also
// discarded when a directory, a link or another file gets the name, and when the target or its directory is removed.
// [Sweep] removes old ones.
//
// # Resumable uploads
//
// A [Resumable] is received by several requests, as HTTP has them. Its client knows a secret ID; the server keeps nothing in
// memory. Its offset is the size of the hidden file with its bytes, which is true after kill -9 as well. After a reboot only
// bytes count that were synced at the end of a request. The state is replaced by a rename, and never changed. It says that
// the bytes are about to become the target before they do, so that later a state without bytes means that the upload is
// done: no crash makes a client send everything again, or take an incomplete upload for a file.
//
// # Durability
//
// See package durable. A file is synced before it gets its name, and the name before Commit returns. After a failed sync
// nothing is kept, and bytes appended to a target are removed again ([ErrUncertain] if that fails too).
//
// # File systems
//
// A target is in a [vfs.Tree], which vfs.Of makes of any afero.Fs. A file system in which a file becomes visible
// atomically implements [Atomic]. For every other one Rename is assumed to do that, because it cannot be detected:
// afero.MemMapFs and the file systems of a host do; for an afero.CopyOnWriteFs it depends on its layer.
//
// A file that replaces another gets its permission bits; on Unix its owner and group, as far as this process may set them;
// and on Linux its access control list and user.* extended attributes. Hard links to the old file keep the old content.
// Only a writable file is replaced: on the disk of a [vfs.Root] it must be possible to open it for writing; elsewhere its
// mode must allow its owner to write.
//
// # Quotas
//
// Everything that a Writer with a Space changes is counted by package quota, and nothing is written before there is room
// for it. A caller that knows the size of the file sets Target.Size. Otherwise each write asks for room: by itself with
// [Upload.Writer], or by [Upload.Allow] if the bytes go past this process with [Upload.File]. Nothing is kept of an upload
// that was refused.
//
// # Design
//
// An upload replaces the name of its target, and so a symbolic link; the file that the link leads to is unchanged. Only
// appended bytes go through the link.
//
// Writing into the middle of a file makes a copy (FICLONE, or copy_file_range(2) while the upload is received), so that a
// failure leaves the old file. Appending changes no existing byte and needs no copy.
//
// To append, a file is opened with O_APPEND on Unix, so that another program that appends too loses no bytes. splice(2)
// refuses such a file, so the bytes are copied. Append writes after the bytes of the other program; WriteFrom fails with
// [ErrShared], because its bytes must be contiguous.
//
// Hidden files are locked with flock(2), rather than by state in memory, because two servers may have the same tree, and a
// lock ends with its process. Uploads of less than 64 KiB are not kept, and none after the disk was full.
package upload
