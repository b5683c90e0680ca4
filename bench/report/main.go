// Report runs all benchmarks of sgsim and of its peers and writes what they say:
// bench/RESULTS.md with tables, goals and ratios, bench/growth.svg, and the short
// table in README.md. Run it at the repository's root, on a quiet machine:
//
//	go run ./bench/report
//
// It takes about a quarter of an hour on two cores, 3 GB of memory and 2 GB under
// the temporary directory. With -quick it measures small sizes once, writes to
// the temporary directory and says nothing about speed; that is for trying it.
//
// Benchmarks of sgsim and of the peers take turns within every round, and every
// figure is the median over the rounds, so that what else the machine does meets
// all of them alike.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"time"
)

func main() {
	var o options
	flag.IntVar(&o.rounds, "rounds", 7, "measure everything `n` times, or as often as the time allows")
	flag.DurationVar(&o.limit, "limit", 18*time.Minute, "start no round that is likely to end later than `duration` after the start")
	flag.DurationVar(&o.benchtime, "benchtime", 150*time.Millisecond, "time for one benchmark of one round")
	flag.BoolVar(&o.quick, "quick", false, "small sizes, one round, results to the temporary directory")
	only := flag.String("only", "", "run benchmarks that match `regexp`, results to the temporary directory")
	flag.Parse()
	if err := report(o, *only); err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
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
	r := &runner{options: o, dir: dir, began: began, results: results{}}
	if err := r.build(); err != nil {
		return err
	}
	m := thisMachine()
	if err := r.run(pattern); err != nil {
		return err
	}
	m.took, m.rounds = time.Since(began), r.done
	out, readme := "bench", "README.md"
	if o.quick || only != "" {
		out, readme = os.TempDir(), ""
	}
	doc := document{machine: m, results: r.results, skipped: r.skipped}
	for name, text := range map[string]string{"RESULTS.md": doc.markdown(), "growth.svg": growth(r.results)} {
		path := filepath.Join(out, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
		fmt.Println("wrote", path)
	}
	if readme != "" {
		if err := replaceBetweenMarkers(readme, doc.short()); err != nil {
			return err
		}
		fmt.Println("wrote", readme)
	}
	if len(r.failed) > 0 {
		return fmt.Errorf("benchmarks failed: %v", r.failed)
	}
	return nil
}
