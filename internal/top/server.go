package top

import (
	"context"

	"sluice/internal/admin"
	"sluice/internal/status"
)

// Server is a running server: an admin.Client.
type Server interface {
	Status(ctx context.Context, detail admin.Detail) (*status.Status, error)
	Kill(ctx context.Context, id uint64) error
}
