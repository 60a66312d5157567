package top

import (
	"context"

	"sluice/internal/admin"
)

// Server is what is looked at: an admin.Client.
type Server interface {
	Status(ctx context.Context, want admin.Want) (*admin.Status, error)
	Kill(ctx context.Context, id uint64) error
}
