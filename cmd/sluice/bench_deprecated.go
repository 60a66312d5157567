package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// benchDeprecatedCommand is benchMethodsCommand under the name that it had in version
// 0.1, with the old name of its flag.
func benchDeprecatedCommand() *cobra.Command {
	cmd := benchMethodsCommand()
	cmd.Use = "roads"
	cmd.Deprecated = `use "sluice bench methods"`
	f := cmd.Flags()
	f.AddFlag(&pflag.Flag{Name: "roads", Usage: "`NAMES` of methods", Value: f.Lookup("methods").Value, Deprecated: "use --methods"})
	return cmd
}
