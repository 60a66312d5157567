package main

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// commands returns a command and all commands below it.
func commands(cmd *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{cmd}
	for _, sub := range cmd.Commands() {
		all = append(all, commands(sub)...)
	}
	return all
}

func TestHelpIsNotTooWide(t *testing.T) {
	root := rootCommand()
	root.InitDefaultCompletionCmd()
	for _, cmd := range commands(root) {
		cmd.InitDefaultHelpFlag()
		var help strings.Builder
		cmd.SetOut(&help)
		if err := cmd.Help(); err != nil {
			t.Errorf("%s: %v", cmd.CommandPath(), err)
		}
		for line := range strings.Lines(help.String()) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > helpWidth {
				t.Errorf("%s: got %d columns, want at most %d: %q", cmd.CommandPath(), n, helpWidth, line)
			}
		}
	}
}

func TestEachFlagOfServeHasAGroup(t *testing.T) {
	cmd := serveCommand()
	cmd.InitDefaultHelpFlag()
	var out strings.Builder
	cmd.SetOut(&out)
	if err := printUsage(cmd); err != nil {
		t.Fatal(err)
	}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if len(f.Annotations[groupAnnotation]) != 1 {
			t.Errorf("--%s has the groups %q, want one", f.Name, f.Annotations[groupAnnotation])
		}
		if n := strings.Count(out.String(), " --"+f.Name+" "); n == 0 {
			t.Errorf("--%s is not in the help", f.Name)
		}
	})
	for _, heading := range []string{"What is served", "Listeners", "TLS", "FTP", "Limits", "Logs", "Admin"} {
		if n := strings.Count(out.String(), "\n"+heading+":\n"); n != 1 {
			t.Errorf("the heading %q is there %d times, want once", heading, n)
		}
	}
}

func TestLongFlagUsagesAreIndented(t *testing.T) {
	for line := range strings.Lines(flagUsages(serveCommand().Flags())) {
		isHeading := strings.HasSuffix(line, ":\n")
		if line != "\n" && !isHeading && !strings.HasPrefix(line, "      ") && !strings.HasPrefix(line, "  -") {
			t.Errorf("%q is not indented", line)
		}
	}
}
