//go:build !aix

package top

import (
	"context"
	"errors"
	"time"

	tea "charm.land/bubbletea/v2"
)

// Run shows the server on the terminal, with a look every interval, until the
// user has enough or ctx ends. A server that does not answer is asked again.
func Run(ctx context.Context, server Server, interval time.Duration) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the question under way
	_, err := tea.NewProgram(newModel(ctx, server, interval), tea.WithContext(ctx)).Run()
	if errors.Is(err, tea.ErrInterrupted) {
		return nil
	}
	return err
}

func newModel(ctx context.Context, server Server, interval time.Duration) model {
	return model{ctx: ctx, server: server, interval: interval, order: byRate}
}
