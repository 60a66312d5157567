//go:build !aix

package top

import (
	"context"
	"errors"
	"time"

	tea "charm.land/bubbletea/v2"
)

// Run shows the server on the terminal until the user quits or ctx ends, which is no error: the caller
// ends it at a signal. It requests the status every interval, also after an error.
func Run(ctx context.Context, server Server, interval time.Duration) error {
	requests, cancel := context.WithCancel(ctx)
	defer cancel() // cancels the current request
	// Its own handler of signals may wait for ever when ctx has ended.
	_, err := tea.NewProgram(newModel(requests, server, interval), tea.WithContext(ctx), tea.WithoutSignalHandler()).Run()
	if errors.Is(err, tea.ErrInterrupted) || ctx.Err() != nil {
		return nil
	}
	return err
}

func newModel(ctx context.Context, server Server, interval time.Duration) model {
	return model{ctx: ctx, server: server, interval: interval, order: byRate}
}
