// Package quota bounds what uploads take: of a disk, and of the home of a user.
//
//	v := quota.New(fsys, quota.Reserve{Bytes: 1 << 30}) // one for all servers of fsys
//	alice := quota.SpaceIn(v, "/alice", quota.Limit{Bytes: 10 << 30, Files: 10_000})
//
// Package upload counts every change of a writer that has a Space. Nothing is written before there is room for it: a [Hold]
// counts the bytes of an upload before they are received, so that uploads at the same time cannot exceed a limit together.
//
// # Counts
//
// The truth is the tree, so that the count is exact after a crash: New counts nothing, and the first Space of a home with a
// limit begins to walk it in the background. Until that is done, changes by users with a limit wait, for 10 seconds at
// most; then they fail with [Counting].
//
// The bytes of a home are the sizes of its regular files, and its files are all names below it: files, directories, links.
// The hidden file of an upload counts, and so does the part that is kept of a broken one. Hard links count by name. Links
// are not followed.
//
// A file counts for each home above it, no matter which user has written it: homes may contain each other, and users may share one. The
// limit of a user holds for what this user writes. So an operator without a limit can fill the home of a user, who then
// has to remove files before the next upload.
//
// A file that replaces another needs only the difference, although both exist until the upload ends: the bytes of the old
// file are a credit. If the upload breaks off, its part is kept only if both fit.
//
// # Other programs
//
// Changes by other programs, and by other servers of the same tree, are seen by [Volume.Recount]. A count that has seen no
// change by this server meanwhile replaces the number; after three tries the old number stays until the next Recount. Only
// the first count is used in any case, because users wait for it.
//
// Directories that the server cannot read do not count. A walk needs memory for one directory at a time.
//
// # Disk reserve
//
// [Reserve] is asked together with the limit. The free space of a disk is read again after 200 ms, and before anything is
// refused. In between it is reduced by what the uploads under way may still write. Space that the file system keeps for
// root is not free. Where the system does not report free space, there is no reserve.
package quota
