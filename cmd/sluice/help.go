package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// helpWidth is the longest line of a help text in columns.
const helpWidth = 100

// groupAnnotation is the annotation of a flag that holds the heading of its group.
const groupAnnotation = "group"

// addGroup adds flags to f under a heading of the help.
func addGroup(f *pflag.FlagSet, heading string, add func(*pflag.FlagSet)) {
	group := newFlagSet()
	add(group)
	group.VisitAll(func(flag *pflag.Flag) {
		flag.Annotations = map[string][]string{groupAnnotation: {heading}}
		f.AddFlag(flag)
	})
}

// newFlagSet returns a FlagSet that keeps the order of its flags.
func newFlagSet() *pflag.FlagSet {
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	f.SortFlags = false
	return f
}

// groupOf returns the heading of a flag.
func groupOf(flag *pflag.Flag) string {
	if heading := flag.Annotations[groupAnnotation]; len(heading) > 0 {
		return heading[0]
	}
	return "Flags"
}

// printUsage prints the part of a command's help after its description. It is a
// cobra.Command.SetUsageFunc.
func printUsage(cmd *cobra.Command) error {
	var b strings.Builder
	b.WriteString("Usage:\n")
	if cmd.Runnable() {
		fmt.Fprintf(&b, "  %s\n", cmd.UseLine())
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "  %s [command]\n\nCommands:\n", cmd.CommandPath())
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() {
				fmt.Fprintf(&b, "  %-*s  %s\n", sub.NamePadding(), sub.Name(), sub.Short)
			}
		}
	}
	if cmd.HasExample() {
		fmt.Fprintf(&b, "\nExamples:\n%s\n", cmd.Example)
	}
	b.WriteString(flagUsages(cmd.LocalFlags()))
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "\nUse \"%s [command] --help\" for the help of a command.\n", cmd.CommandPath())
	}
	_, err := fmt.Fprint(cmd.OutOrStdout(), b.String())
	return err
}

// flagUsages returns the flags by group, in the order of the first flag of each.
func flagUsages(flags *pflag.FlagSet) string {
	var headings []string
	groups := make(map[string]*pflag.FlagSet)
	flags.SortFlags = false
	flags.VisitAll(func(flag *pflag.Flag) {
		heading := groupOf(flag)
		if !slices.Contains(headings, heading) {
			headings = append(headings, heading)
			groups[heading] = newFlagSet()
		}
		groups[heading].AddFlag(flag)
	})
	var b strings.Builder
	for _, heading := range headings {
		// pflag exceeds the width by up to five columns rather than wrap one short word.
		fmt.Fprintf(&b, "\n%s:\n%s", heading, groups[heading].FlagUsagesWrapped(helpWidth-5))
	}
	return b.String()
}
