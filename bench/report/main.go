// Report runs all benchmarks of sgsim and of its peers and writes what they say:
// bench/RESULTS.md with tables, goals and ratios, bench/growth.svg, and the short
// table in README.md. Run it at the repository's root, on a quiet machine:
//
//	go run ./bench/report
//
// It takes about a quarter of an hour on two cores, 4 GB of memory and 2 GB under the
// temporary directory, and says at its end which benchmarks took how much of that.
// With -quick it measures small sizes once, writes to
// the temporary directory and says nothing about speed; that is for trying it.
//
// The raw output stays in the temporary directory; benchstat reads it, and -from
// writes the pages from it again.
//
// Benchmarks of sgsim and of the peers take turns within every round, and every
// figure is the median over the rounds, so that what else the machine does meets
// all of them alike.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

func main() {
	var o options
	flag.IntVar(&o.rounds, "rounds", 5, "measure everything `n` times, or as often as the time allows")
	flag.DurationVar(&o.limit, "limit", 16*time.Minute, "start no round that is likely to end later than `duration` after the start")
	flag.DurationVar(&o.benchtime, "benchtime", 150*time.Millisecond, "time for one benchmark of one round")
	flag.BoolVar(&o.quick, "quick", false, "small sizes, one round, results to the temporary directory")
	only := flag.String("only", "", "run benchmarks that match `regexp`, results to the temporary directory")
	from := flag.String("from", "", "measure nothing, write the results of an earlier run from its raw `file`")
	flag.Parse()
	run := func() error { return report(o, *only) }
	if *from != "" {
		run = func() error { return again(*from) }
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
}

// again writes what an earlier run has measured.
func again(from string) error {
	d, err := saved(from)
	if err != nil {
		return err
	}
	return d.write("bench", "README.md")
}

type options struct {
	rounds    int
	limit     time.Duration
	benchtime time.Duration
	quick     bool
}

func report(o options, only string) error {
	if _, err := os.Stat("bench/peers/go.mod"); err != nil {
		return errors.New("run it at the root of the repository")
	}
	pattern, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	if o.quick {
		o.rounds, o.benchtime = 1, time.Millisecond
	}
	dir, err := os.MkdirTemp("", "sgsim-bench-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	began := time.Now()
	r := &runner{options: o, dir: dir, began: began, results: results{}, took: durations{}}
	if err := r.build(); err != nil {
		return err
	}
	m := thisMachine()
	if err := r.run(pattern); err != nil {
		return err
	}
	m.Took, m.Rounds = time.Since(began), r.done
	out, readme, raw := "bench", "README.md", "sgsim-bench.txt"
	if o.quick || only != "" {
		out, readme, raw = os.TempDir(), "", "sgsim-bench-part.txt" // beside that of a whole run
	}
	raw = filepath.Join(os.TempDir(), raw)
	if err := save(raw, header{m, r.profiles}, r.raw.Bytes()); err != nil {
		return err
	}
	fmt.Println("wrote", raw)
	d := document{header: header{m, r.profiles}, results: r.results, skipped: r.skipped}
	if err := d.write(out, readme); err != nil {
		return err
	}
	if len(r.failed) > 0 {
		return fmt.Errorf("benchmarks failed: %v", r.failed)
	}
	if missing := d.unmeasured(); readme != "" && len(missing) > 0 {
		return fmt.Errorf("goals without a figure: %q", missing)
	}
	return nil
}

// write writes the pages of the document, the README's part unless readme is
// empty.
func (d document) write(dir, readme string) error {
	pages := []struct{ name, text string }{{"RESULTS.md", d.markdown()}, {"growth.svg", growth(d.results)}}
	for _, p := range pages {
		path := filepath.Join(dir, p.name)
		if err := os.WriteFile(path, []byte(p.text), 0o644); err != nil {
			return err
		}
		fmt.Println("wrote", path)
	}
	if readme == "" {
		return nil
	}
	if err := replaceBetweenMarkers(readme, d.short()); err != nil {
		return err
	}
	fmt.Println("wrote", readme)
	return nil
}

// A header is what stands before the raw output of a run.
type header struct {
	machine
	Profiles []profile
}

// save writes the raw output of a run behind a line with its header; benchstat
// reads the file.
func save(path string, h header, raw []byte) error {
	head, err := json.Marshal(h)
	if err != nil {
		return err
	}
	return os.WriteFile(path, slices.Concat([]byte(rawPrefix), head, []byte("\n"), raw), 0o644)
}

const rawPrefix = "sgsim-report: "

// saved reads what save has written.
func saved(path string) (document, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return document{}, err
	}
	head, raw, _ := strings.Cut(string(b), "\n")
	head, ok := strings.CutPrefix(head, rawPrefix)
	if !ok {
		return document{}, fmt.Errorf("%s: not the raw output of a run", path)
	}
	d := document{results: results{}, skipped: map[string]string{}}
	if err := json.Unmarshal([]byte(head), &d.header); err != nil {
		return document{}, fmt.Errorf("%s: %w", path, err)
	}
	d.results.parse(raw, d.skipped)
	return d, nil
}
