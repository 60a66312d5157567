package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

// version is the newest in CHANGELOG.md.
const version = "0.1.0"

// versionText is a line with the version, the compiler and the platform.
func versionText() string {
	return fmt.Sprintf("sluice %s %s %s/%s\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, the compiler and the platform",
		Args:  argsAtMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return printText(cmd, versionText())
		},
	}
}
