package daemon

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"sluice/internal/mounts"
)

func TestAHungFileSystemIsLoggedOnceAndAgainWhenItAnswers(t *testing.T) {
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	hung := make(hungMounts)
	slow := mounts.State{Point: "/slow", Inside: 3}
	dead := mounts.State{Point: "/dead", Inside: 64, Hung: true, Refused: 1}
	answers := mounts.State{Point: "/dead", Refused: 1}
	for _, step := range []struct {
		what   string
		states []mounts.State
		want   string // in the new lines; "": there is none
	}{
		{"nothing", nil, ""},
		{"one is slow", []mounts.State{slow}, ""},
		{"one hangs", []mounts.State{slow, dead}, "mount=/dead calls=64"},
		{"it still hangs", []mounts.State{dead}, ""},
		{"it answers", []mounts.State{answers}, "level=INFO"},
		{"it hangs again", []mounts.State{dead}, "level=WARN"},
		{"it is unmounted", nil, "level=INFO"},
		{"nothing hangs", nil, ""},
	} {
		log.Reset()
		hung.update(logger, step.states)
		if got := log.String(); (step.want == "") != (got == "") || !strings.Contains(got, step.want) {
			t.Errorf("%s: %q, want %q", step.what, got, step.want)
		}
	}
}
