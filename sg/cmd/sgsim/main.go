// Command sgsim says what AWS security groups do with packets.
//
//	sgsim replay     run captures through the groups, and report
//	sgsim explain    explain what happens to one packet, and why
//	sgsim check      find what is wrong or useless in the groups
//	sgsim diff       say what a change of groups opens and breaks
//	sgsim graph      draw the groups and their rules
//
//	sgsim wireshark-profile   write colours and filters for what replay -annotated wrote
//
// It needs no AWS account and no root. sgsim SUBCOMMAND -h shows the flags.
//
// The exit status is 0 if all went well, 1 for input that cannot be read or that
// gives -fail-on nothing to judge, 2 for a wrong command line, 3 if the answer is
// no (-fail-on of replay, explain and diff, findings of check), and 130 after an
// interrupt.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/sgsim/sgsim/sg/internal/errlist"
)

// Exit statuses.
const (
	exitOK          = 0
	exitInput       = 1
	exitUsage       = 2
	exitNo          = 3
	exitInterrupted = 130
)

const usage = `usage: sgsim SUBCOMMAND [flags] [arguments]

Says what AWS security groups do with packets. Needs no AWS account and no root.

  replay    run captures through the groups, packet by packet, and report
  explain   explain what happens to one packet, and why
  check     find what is wrong or useless in the groups; for CI
  diff      say what a change of groups opens and breaks, beforehand; for CI
  graph     draw the groups and their rules: Mermaid, Graphviz, SVG

  wireshark-profile   write colours and filters for captures of replay -annotated

sgsim SUBCOMMAND -h shows the flags, sgsim -version the version. For a demonstration:

  sgsim replay
`

// A tool is a running command, with what the operating system gives it.
type tool struct {
	ctx    context.Context
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer

	topologyText *bytes.Buffer // what was read of standard input for a topology; nil for nothing
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // a second interrupt ends the process if the first one does not
	t := &tool{ctx: ctx, stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}
	status := t.run(os.Args[1:])
	stop()
	os.Exit(status)
}

func (t *tool) run(args []string) int {
	if len(args) == 0 {
		fmt.Fprint(t.stderr, usage)
		return exitUsage
	}
	switch name := args[0]; name {
	case "replay":
		return t.replay(args[1:])
	case "explain":
		return t.explain(args[1:])
	case "check":
		return t.check(args[1:])
	case "diff":
		return t.diff(args[1:])
	case "graph":
		return t.graph(args[1:])
	case "wireshark-profile":
		return t.wiresharkProfile(args[1:])
	case "help", "-h", "-help", "--help":
		if len(args) > 1 && !strings.HasPrefix(args[1], "-") {
			return t.run([]string{args[1], "-h"})
		}
		fmt.Fprint(t.stdout, usage)
		return exitOK
	case "version", "-version", "--version":
		fmt.Fprintln(t.stdout, version())
		return exitOK
	default:
		fmt.Fprintf(t.stderr, "sgsim: no subcommand %q; there are replay, explain, check, diff, graph and wireshark-profile\n", name)
		return exitUsage
	}
}

// version returns the module's version, as the go command recorded it.
func version() string {
	v := "unknown version"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		v = info.Main.Version
	}
	return "sgsim " + v + " " + runtime.Version()
}

// parse reads the command line. done means that there is nothing left to do but
// to return status.
func (t *tool) parse(fs *flag.FlagSet, args []string, help string) (status int, done bool) {
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	switch err := fs.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(t.stdout, help)
		return exitOK, true
	case err != nil:
		return t.misused(fs, clearer(fs, err)), true
	}
	if rest := len(args) - fs.NArg(); fs.NArg() > 0 && (rest == 0 || args[rest-1] != "--") { // after it, all are arguments
		for _, arg := range fs.Args()[1:] {
			if len(arg) > 1 && arg[0] == '-' {
				return t.misused(fs, fmt.Errorf("%s: flags come before %s", arg, fs.Arg(0))), true
			}
		}
	}
	return 0, false
}

// misused reports a wrong command line.
func (t *tool) misused(fs *flag.FlagSet, err error) int {
	fmt.Fprintf(t.stderr, "sgsim %s: %s (sgsim %s -h shows the flags)\n", fs.Name(), oneLine(err), fs.Name())
	return exitUsage
}

// A misuse is an error of the command line that is found while the input is opened.
type misuse struct{ error }

// refused reports a misuse, or input that cannot be used.
func (t *tool) refused(fs *flag.FlagSet, err error) int {
	if m, ok := errors.AsType[misuse](err); ok {
		return t.misused(fs, m.error)
	}
	return t.failed(err)
}

// failed reports input that cannot be used: one line for each error.
func (t *tool) failed(err error) int {
	if t.ctx.Err() != nil && errors.Is(err, t.ctx.Err()) {
		return t.interrupted()
	}
	for _, e := range errlist.Of(err) {
		fmt.Fprintln(t.stderr, printable(oneLine(e)))
	}
	return exitInput
}

// interrupted reports that the user gave up.
func (t *tool) interrupted() int {
	fmt.Fprintln(t.stderr, "interrupted")
	return exitInterrupted
}

// oneLine is the text of an error in the form "file: what".
func oneLine(err error) string {
	s := err.Error()
	if p := (*os.PathError)(nil); errors.As(err, &p) && s == p.Error() {
		s = p.Path + ": " + p.Err.Error()
	}
	return strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "; ")
}

// A list is a flag that may be given several times.
type list []string

func (l *list) String() string { return strings.Join(*l, " ") }

func (l *list) Set(s string) error {
	if s == "" {
		return errors.New("it is empty")
	}
	*l = append(*l, s)
	return nil
}
