package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"
)

// A section is a set of benchmarks that belong side by side: those of one name,
// of sgsim and of the peers.
type section struct {
	name  string
	peers bool // have a part in it
}

var sections = []section{
	{name: "Floor"},
	{name: "Decode", peers: true},
	{name: "Track", peers: true},
	{name: "Evaluate", peers: true},
	{name: "Forward"},
	{name: "Match", peers: true},
	{name: "Open"},
	{name: "Compile"},
	{name: "Change"},
	{name: "Memory"},
	{name: "Capture", peers: true},
	{name: "Replay", peers: true},
	{name: "ReplayMemory"},
}

// large are benchmarks that take long to prepare, and so run in the first few
// rounds alone.
const (
	large = "^BenchmarkTrack$/impl/family/conns=10000000" +
		"|^BenchmarkEvaluate$/impl/path/hops/family/proto/rules/conns=10000000" +
		"|^BenchmarkMemory$/impl/family/conns=10000000$"
	largeRounds = 3
)

// A runner builds the test binaries once and runs them again and again.
type runner struct {
	options
	dir      string // for binaries and captures, removed at the end
	began    time.Time
	results  results
	skipped  map[string]string // benchmark to reason
	failed   []string
	done     int       // rounds
	took     durations // of each benchmark, with what it prepared
	profiles []profile
	raw      bytes.Buffer
}

// own and peers are the two test binaries.
func (r *runner) own() string   { return filepath.Join(r.dir, "bench.test") }
func (r *runner) peers() string { return filepath.Join(r.dir, "peers.test") }

func (r *runner) build() error {
	r.progress("building")
	for _, b := range []struct{ dir, out string }{{"bench", r.own()}, {"bench/peers", r.peers()}} {
		c := exec.Command("go", "test", "-c", "-o", b.out, ".")
		c.Dir = b.dir
		c.Stderr = os.Stderr
		if err := c.Run(); err != nil {
			return fmt.Errorf("building %s: %w", b.dir, err)
		}
	}
	return nil
}

func (r *runner) run(only *regexp.Regexp) error {
	r.skipped = map[string]string{}
	first := time.Now()
	for round := range r.rounds {
		if took := time.Since(first); round > 0 && time.Since(r.began)+took/time.Duration(round) > r.limit {
			r.progress(fmt.Sprintf("no time for round %d", round+1))
			break
		}
		for _, s := range sections {
			if !only.MatchString(s.name) {
				continue
			}
			r.progress(fmt.Sprintf("round %d of %d: %s", round+1, r.rounds, s.name))
			binaries := []string{r.own()}
			if s.peers {
				binaries = append(binaries, r.peers())
				if round%2 == 1 { // neither is always the first
					binaries[0], binaries[1] = binaries[1], binaries[0]
				}
			}
			for _, b := range binaries {
				if err := r.measure(b, s.name, round); err != nil {
					return err
				}
			}
		}
		r.done++
	}
	if err := r.profile(only); err != nil {
		return err
	}
	r.progress("done; what took longest:")
	for _, s := range r.took.longest(15) {
		fmt.Println("  ", s)
	}
	return nil
}

// measure runs the benchmarks of a section in one binary; those called Once in the
// first round alone, the large ones in the first few. A benchmark that fails is noted and does not end the report.
func (r *runner) measure(binary, name string, round int) error {
	suffix := "(Kernel)?"
	if round == 0 {
		suffix = "(Kernel|Once)?"
	}
	var flags []string
	if round >= largeRounds {
		flags = append(flags, "-test.skip="+large)
	}
	c := r.command(binary, "^Benchmark"+name+suffix+"$", r.benchtime, flags...)
	var out bytes.Buffer
	watch := r.took.watch(&out)
	c.Stdout, c.Stderr = watch, watch
	err := c.Run()
	watch.stop()
	r.raw.Write(out.Bytes())
	failed := r.results.parse(out.String(), r.skipped)
	if err != nil && len(failed) == 0 {
		return fmt.Errorf("%s in %s: %w\n%s", name, c.Dir, err, tail(out.String(), 20))
	}
	for _, f := range failed {
		fmt.Fprintln(os.Stderr, "failed:", f)
	}
	r.failed = append(r.failed, failed...)
	return nil
}

// command runs benchmarks of a binary, with more flags.
func (r *runner) command(binary, pattern string, benchtime time.Duration, flags ...string) *exec.Cmd {
	args := []string{
		"-test.run=^$", "-test.v", "-test.benchmem", "-test.timeout=20m", "-test.cpu=1",
		"-test.bench=" + pattern, "-test.benchtime=" + benchtime.String(),
	}
	if r.quick {
		args = append(args, "-test.short")
	}
	c := exec.Command(binary, append(args, flags...)...)
	c.Dir = "bench"
	if binary == r.peers() {
		c.Dir = "bench/peers"
	}
	c.Env = append(os.Environ(), "SGSIM_BENCH_DIR="+r.dir)
	return c
}

func tail(s string, lines int) string {
	all := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

func (r *runner) progress(what string) {
	fmt.Printf("%6s  %s\n", time.Since(r.began).Round(time.Second), what)
}

// A machine says where figures come from.
type machine struct {
	CPU, Kernel, Go, Commit, Memory string
	Cores, Rounds                   int
	Date                            time.Time
	Took                            time.Duration
}

func thisMachine() machine {
	return machine{
		CPU:    field("/proc/cpuinfo", "model name"),
		Kernel: output("uname", "-sr"),
		Go:     output("go", "env", "GOVERSION"),
		Commit: output("git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"),
		Cores:  runtime.NumCPU(),
		Memory: field("/proc/meminfo", "MemTotal"),
		Date:   time.Now().UTC(),
	}
}

// field returns the value of the first "key: value" line of a file, and
// "unknown" where there is none.
func field(path, key string) string {
	b, _ := os.ReadFile(path)
	for line := range strings.Lines(string(b)) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == key {
			return strings.TrimSpace(v)
		}
	}
	return "unknown"
}

func output(name string, args ...string) string {
	b, err := exec.Command(name, args...).Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(b))
}
