//go:build !aix

package top

import (
	"context"
	"errors"
	"time"

	tea "charm.land/bubbletea/v2"
)

// Run shows the server on the terminal until the user quits or ctx ends. It requests
// the status every interval, also after an error.
func Run(ctx context.Context, server Server, interval time.Duration) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // cancels the current request
	_, err := tea.NewProgram(newModel(ctx, server, interval), tea.WithContext(ctx)).Run()
	if errors.Is(err, tea.ErrInterrupted) {
		return nil
	}
	return err
}

func newModel(ctx context.Context, server Server, interval time.Duration) model {
	return model{ctx: ctx, server: server, interval: interval, order: byRate}
}
