package budget

import "runtime"

// Budget is the Pools of a process. Servers that run in one process share one.
type Budget struct {
	Checksums   *Pool // turns at a processor
	Archives    *Pool // turns at a processor to lay out an archive, which are given back while a directory is awaited
	Entries     *Pool // files and directories of the archives that are being sent; one takes about a kilobyte
	Listings    *Pool // directories that are being opened for a listing, and read as far as they are sorted
	Directories *Pool // turns at a processor to read a few hundred entries of a directory
	Listed      *Pool // files and directories of the listings that are being sent; one takes about 100 bytes
	Encoders    *Pool // compressed listings that are being sent; the encoder of one takes up to 3 MB
	Compression *Pool // turns at a processor
	Buffers     *Pool // large buffers for streams of HTTP/2, of 64 KiB; a stream without one has a small one
	Logins      *Pool // turns to compute the hash of a password
}

// New returns a Budget that fits the number of processors.
func New() *Budget {
	processors := int64(runtime.GOMAXPROCS(0))
	half := max(processors/2, 1) // the other half is left to those who need no turn
	queue := func(b Bounds) Bounds {
		b.Queue, b.QueuePerClient = 1000, 32
		return b
	}
	return &Budget{
		Checksums:   NewPool("checksums", queue(Bounds{Size: half, Free: 1 << 20})), // the checksums of an archive of many small files would wait for each of them
		Archives:    NewPool("archives", queue(Bounds{Size: half})),
		Entries:     NewPool("files in archives", Bounds{Size: 300_000, PerClient: 200_000, Reserve: 50_000, Small: 5_000}),
		Listings:    NewPool("listings", queue(Bounds{Size: 64, PerClient: 16, PerMount: 16})),
		Directories: NewPool("directories", Bounds{Size: half, Queue: 2000}),
		Listed:      NewPool("entries of listings", Bounds{Size: 1_000_000, PerClient: 250_000, Reserve: 100_000, Small: 10_000}),
		Encoders:    NewPool("compressed listings", Bounds{Size: 32, PerClient: 8}),
		Compression: NewPool("compressed answers", queue(Bounds{Size: half})),
		Buffers:     NewPool("buffers of HTTP/2", Bounds{Size: 1024, PerClient: 128}),    // 64 MiB, 8 MiB
		Logins:      NewPool("logins", queue(Bounds{Size: processors, PerClient: half})), // a turn that fails computes for half of its time
	}
}

// Pools returns all Pools, in a fixed order.
func (b *Budget) Pools() []*Pool {
	return []*Pool{b.Checksums, b.Archives, b.Entries, b.Listings, b.Directories, b.Listed, b.Encoders, b.Compression, b.Buffers, b.Logins}
}
