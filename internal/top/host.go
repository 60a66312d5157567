package top

import (
	"fmt"
	"strings"
	"time"

	"sluice/internal/status"
)

// hostText returns how busy the processors of the server's host were over the samples,
// and with what, in percent of all of them; "" without two samples. Parts below one
// percent are left out.
func hostText(now *status.Host, samples []sample) string {
	if now == nil || now.CPU == nil || duration(samples) <= 0 || samples[0].host == nil {
		return ""
	}
	use := now.CPU.Use().Sub(samples[0].host.Use())
	if use.Total() <= 0 {
		return ""
	}
	var parts []string
	for _, part := range []struct {
		name string
		time time.Duration
	}{
		{"user", use.User + use.Nice}, {"system", use.System + use.IRQ + use.SoftIRQ}, {"iowait", use.IOWait}, {"steal", use.Steal},
	} {
		if percent := use.Percent(part.time); percent >= 1 {
			parts = append(parts, fmt.Sprintf("%s %.0f%%", part.name, percent))
		}
	}
	text := fmt.Sprintf("host CPU %.0f%%", use.Percent(use.Busy()))
	if len(parts) > 0 {
		text += " (" + strings.Join(parts, ", ") + ")"
	}
	return text
}
