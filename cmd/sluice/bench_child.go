package main

import (
	"os"

	"github.com/spf13/cobra"

	"sluice/bench/methods"
	"sluice/bench/peers"
)

// benchChildCommand holds the servers that bench starts as processes of this
// program. Users do not call them.
func benchChildCommand() *cobra.Command {
	child := &cobra.Command{Use: "child", Hidden: true}
	child.AddCommand(
		&cobra.Command{
			Use: "methods",
			RunE: func(cmd *cobra.Command, _ []string) error {
				return methods.Serve(cmd.Context(), os.Stdin, os.Stdout)
			},
		},
	)
	return child
}

// gofsCommand is the server of the peer gofs.
func gofsCommand() *cobra.Command {
	return &cobra.Command{
		Use: peers.GoFSRole + " ADDR DIR", Hidden: true, Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error { return peers.ServeGoFS(args[0], args[1]) },
	}
}

// kernelCommand is the limit of comparisons.
func kernelCommand() *cobra.Command {
	return &cobra.Command{
		Use: peers.KernelRole + " ADDR DIR", Hidden: true, Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error { return peers.ServeKernel(args[0], args[1]) },
	}
}
