package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// names are those of the benchmarks, without what their functions may end in: Kernel is
// what needs root, Once runs once, Floor is what the machine itself takes.
var (
	names  = strings.Fields("Decode Track Evaluate Forward Match Open Compile Change Memory Capture Replay ReplayMemory Diff DiffACLs DiffReplay FlowLog FlowLogOpeners Floor")
	ending = regexp.MustCompile(`(?m)^(Benchmark[A-Z]\w*?)(Kernel|Once|Floor)\b`)
)

// A binary is a test binary and the folder it runs in.
type binary struct {
	path, dir string
	base      bool // of the older commit
}

// A runner runs benchmarks and keeps what they print.
type runner struct {
	rounds      int
	quick       bool
	only, base  string // as the flags say
	root        string // of the repository
	dir         string // for binaries, captures and the older commit; it goes at the end
	began       time.Time
	binaries    []binary
	raw         bytes.Buffer
	results     results
	commit, cpu string // what is measured, and where
}

// build checks the older commit out and builds the binaries.
func (r *runner) build(ctx context.Context) error {
	os.Setenv("SGSIM_BENCH_DIR", r.dir) // where the benchmarks keep captures
	r.commit = output(r.root, "git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")
	dirs := []string{filepath.Join(r.root, "bench"), filepath.Join(r.root, "bench/peers")}
	if r.base != "" {
		tree := filepath.Join(r.dir, "base")
		if _, err := run(ctx, r.root, "git", "worktree", "add", "--detach", tree, r.base); err != nil {
			return err
		}
		r.base = output(tree, "git", "rev-parse", "--short=12", "HEAD")
		dirs = append(dirs, filepath.Join(tree, "bench"))
	}
	for i, dir := range dirs {
		fmt.Fprintln(os.Stderr, "building", dir)
		b := binary{filepath.Join(r.dir, fmt.Sprintf("%d.test", i)), dir, i == 2}
		r.binaries = append(r.binaries, b)
		if _, err := run(ctx, dir, "go", "test", "-c", "-o", b.path, "."); err != nil {
			return err
		}
	}
	return nil
}

// close removes what the runner keeps on disk, also after Ctrl-C.
func (r *runner) close() {
	if r.base != "" {
		output(r.root, "git", "worktree", "remove", "--force", filepath.Join(r.dir, "base"))
	}
	os.RemoveAll(r.dir)
}

// run runs all benchmarks that -only matches, and goes on after one that fails. The order
// of the binaries alternates, so that none is always the first.
func (r *runner) run(ctx context.Context) error {
	name, cases, _ := strings.Cut(r.only, "/")
	only, err := regexp.Compile(name)
	if err != nil {
		return err
	}
	todo := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !only.MatchString(n) })
	start, done := time.Now(), 0
	for round := range r.rounds {
		for _, name := range todo {
			for _, b := range r.binaries {
				left := time.Since(start) / time.Duration(max(1, done)) * time.Duration(r.rounds*len(todo)*len(r.binaries)-done)
				fmt.Fprintf(os.Stderr, "%7s  round %d of %d, %-12s %s, about %s left\n", time.Since(r.began).Round(time.Second),
					round+1, r.rounds, name, b.dir, left.Round(time.Second))
				failed := r.measure(ctx, b, round, name, cases)
				if err, done = errors.Join(err, failed), done+1; ctx.Err() != nil {
					r.rounds = round // those that are whole
					return err
				}
			}
		}
		slices.Reverse(r.binaries)
	}
	return err
}

// measure runs a benchmark of a binary and keeps what it prints.
func (r *runner) measure(ctx context.Context, b binary, round int, name, cases string) error {
	endings, benchtime := "|Kernel|Floor", "150ms"
	if b.base {
		endings, cases = "", cmp.Or(cases, "^impl=sgsim$")
	}
	if round == 0 {
		endings += "|Once"
	}
	if r.quick {
		benchtime = "1ms"
	}
	out, err := run(ctx, b.dir, b.path, "-test.run=^$", "-test.v", "-test.cpu=1", "-test.timeout=20m", fmt.Sprintf("-test.short=%t", r.quick),
		fmt.Sprintf("-test.bench=^Benchmark%s(%s)$/%s", name, endings, cases), "-test.benchtime="+benchtime)
	if out = ending.ReplaceAll(out, []byte("$1")); b.base {
		out = bytes.ReplaceAll(out, []byte("/impl=sgsim/"), []byte("/impl="+r.base+"/"))
	}
	r.raw.Write(out)
	return err
}

// run runs a command, which is interrupted when ctx ends and may then clean up. It
// returns what the command printed; an error has the last lines of it.
func run(ctx context.Context, dir, name string, args ...string) ([]byte, error) {
	c := exec.CommandContext(ctx, name, args...)
	c.Dir = dir
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	c.WaitDelay = 10 * time.Second
	out, err := c.CombinedOutput()
	if err != nil {
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		err = fmt.Errorf("%s in %s: %w\n%s", c, dir, err, strings.Join(lines[max(0, len(lines)-10):], "\n"))
	}
	return out, err
}

// output is what a command prints, without the space around it; empty if it fails.
func output(dir, name string, args ...string) string {
	out, err := run(context.Background(), dir, name, args...)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
