package httpd

import (
	"context"
	"time"

	"github.com/spf13/afero"

	"sluice/internal/durable"
	"sluice/internal/upload"
	"sluice/internal/vfs"
)

// uploads is shared by all servers of this process.
var uploads = &upload.Shared

// Durability says which changes are on the disk, and survive a power cut, before the
// response. Package ftpd has the same type, and says more. Its text forms are full,
// strict, rename and none.
type Durability = durable.Level

// The levels of Durability.
const (
	DurabilityFull   = durable.Full   // uploads, each with its name; removals within a second
	DurabilityStrict = durable.Strict // all changes
	DurabilityRename = durable.Rename // only the content of a file, before it gets its name
	DurabilityNone   = durable.None   // nothing
)

// Sweep removes from fsys what is left of uploads that broke off, or were ended by a
// crash, longer than age ago, but at least an hour. It walks all of fsys, and blocks
// until that is done or ctx ends, whose error it returns then. Call it now and then for a
// file system to which clients upload. Every upload under way must move a byte within
// age.
func Sweep(ctx context.Context, fsys afero.Fs, age time.Duration) (removed int, err error) {
	return upload.Sweep(ctx, vfs.Of(fsys), time.Now().Add(-max(age, time.Hour)))
}
