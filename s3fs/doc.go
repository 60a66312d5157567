// Package s3fs shows the objects of a bucket as files: Amazon S3, MinIO, Ceph RGW, Garage, Cloudflare R2, versitygw, and
// other stores that speak the same protocol.
//
//	files, err := s3fs.Open(ctx, s3fs.Config{Endpoint: "https://s3.example.org", Bucket: "pub", Prefix: "releases/"})
//	if err != nil {
//		return err // says what was wrong: the address, the credentials, the bucket
//	}
//	defer files.Close()
//	http.Handle("/", httpd.FileServer(files))
//
// An [FS] is an [afero.Fs]. It only reads, and refuses every change with [syscall.EROFS], unless Config.Writable is set.
//
// # Names
//
// The key of a file is the prefix and its path without the first slash. A directory is the beginning of a key, up to a
// slash: it exists if an object has a key that begins with it. An object whose key ends in a slash marks an empty
// directory, and is no file. Keys that are no paths ("a//b", "./a", "a/../b") cannot be named, and are left out of
// listings. If both "a" and "a/b" are keys, "a" is a file, and "a/b" can be named but is in no listing. Config.OnProblem
// hears of such keys.
//
// # Consistency
//
// An open file is one version of an object: each request for a part of it has the entity tag of the first (If-Match), and
// fails with [ErrChanged] if the object was replaced meanwhile. A bucket with versions still has the old one, which is read
// to its end then. Answers about names are not cached, so another client's change is seen by the next call.
//
// A file that is written becomes visible as a whole, when the store has confirmed it: to this FS, to others, and to every
// other program. If the answer was lost, the store is asked whether it has the file: each upload writes a random name of
// its own into the metadata of the object. Where a file must not be replaced (os.O_EXCL), the store makes sure of that by
// If-None-Match; in a store without such conditions, another program can get in between.
//
// Not atomic are:
//
//   - Rename of a file, a copy in the store that is followed by a removal: for a moment both names exist, and if it fails in
//     between they stay, and the error says so. A file that gets the old name meanwhile is not removed.
//   - Rename of a directory, which does that for each object. Directories of more than Config.MaxRename are refused.
//   - RemoveAll.
//   - What marks a directory that has lost its last entry by Remove or Rename, so that it stays as an empty one. Between the
//     removal and the mark the directory is absent. It is absent for good if other programs have emptied it.
//
// In a bucket with versions, removed and replaced files stay in the store as old versions, until a lifecycle rule of the
// bucket removes them.
//
// # Writing
//
// A file is written from its beginning to its end. Refused, with an error that wraps [errors.ErrUnsupported] and says why,
// are writes elsewhere, appending to a file, changes of mode, owner and time, and reading what is being written.
//
// Up to 8 MiB are kept in memory and sent by one request. A longer file is sent as parts of a multipart upload, of 8 MiB at
// first, then 16 and so on, up to four at a time. All uploads together have Config.UploadMemory for that. It is taken as
// bytes arrive. An upload that needs more waits until others have sent theirs, for Config.Timeout at most. They cannot
// block each other: room for one part is kept for the upload that has waited longest.
//
// Each request has a SHA-256 checksum of its body, which the store compares. (Requests without credentials have none.)
//
// For Sluice's own servers an unfinished upload can be continued by any server, see [FS.CreateUpload]: there is a hidden
// object with the place of the parts, and the bytes that are not a part yet. While a server receives the upload it writes
// that object again every 15 seconds; after a minute without, the server counts as crashed. Parts of which there is no such
// object stay in the store without being visible, if a process ends before it is written: the bucket should have a
// lifecycle rule with AbortIncompleteMultipartUpload, after some days.
//
// # Permissions
//
// Reading needs s3:ListBucket for the bucket and s3:GetObject for its objects; s3:GetObjectVersion to read a replaced version
// to its end. Writing needs in addition s3:PutObject, s3:DeleteObject, s3:AbortMultipartUpload and
// s3:ListMultipartUploadParts. s3:GetBucketVersioning lets an FS report that there are versions, and leave directories out of
// listings that MinIO and versitygw show when all files in them were removed. Without s3:ListBucket stores answer
// 403 in place of 404, so absent files are [fs.ErrPermission].
//
// # Requests
//
// Stat of a file takes one request (HEAD), of a directory two. [FS.OpenToRead] takes none in addition to those that read the
// file; servers use it where they send a whole file. Read asks for a part that is four times as long as the one
// before, up to 64 MiB, so that little is read in vain where a client wants the beginning of a file, and few requests are
// made where it wants all of it. A Seek that moves a little forwards reads on. Requests that fail for a moment (503
// SlowDown, connections that are reset) are repeated; a body that breaks off is continued where it ended.
//
// A request without any progress for Config.Timeout fails; one that joins parts or copies an object has 20 times as long.
// At most Config.MaxConns connections are open at a time; further requests wait for one.
//
// # Cache
//
//	cache, err := s3fs.OpenCache("/var/cache/sluice", 10<<30)
//	files, err := s3fs.Open(ctx, s3fs.Config{Bucket: "pub", Cache: cache})
//
// A [Cache] keeps whole objects as files of a local disk. An open file that is in it has the method OSFile, by which the
// servers of this module send it with sendfile(2), in all protocols; its Stat is what the store says. Open still asks the
// store for each file (HEAD), so who may not read an object there cannot read it from the cache, and a version that was
// replaced, which has another entity tag, is never served for the new one. The rights of accounts are checked by path
// before a file is opened. Names of objects are not on the disk, but their content is: the directory is for its owner only.
//
// An object gets into the cache when it is read from its first byte; one of up to 1 MiB when any of it is read. Only one
// request for each part is made then, however many clients read: they read from the file what is there, and wait for the
// rest. A client that leaves stops nothing that others read. A fill that nobody reads ends, unless only 8 MiB are missing.
// The next part is asked for when a reader has passed the middle of the last one, so a client that reads the beginning
// of a large object does not make all of it come. Reads elsewhere go to the store. Objects larger than a quarter of the
// cache are not kept.
//
// Space is set aside before it is written, and the objects that were opened longest ago give way; those that are being
// sent take their space until they are closed. If the disk is full or fails, files come from the store, and OnError says
// why. A file gets its name when it is on the disk (fsync), and the name has its size, so that after a crash or a power cut
// nothing is served that is not whole. A directory is for one process at a time.
//
// # Presigned URLs
//
// [FS.Presign] returns a URL by which a client can get a file from the store itself. WARNING: everybody who knows the URL can
// do so until it expires. Nothing takes it back but a change of the credentials that have signed it.
//
// # Design
//
// github.com/minio/minio-go speaks the protocol: signatures, retries, the quirks of stores. Its Object type is not used: it
// has a goroutine for each open file, and reads to the end of the object after each Seek.
package s3fs
