// Report runs the benchmarks of sgsim and of its peers in turn and writes what they
// say: bench/RESULTS.md, bench/growth.svg and the table in README.md. Run it in its
// own folder, on a quiet machine:
//
//	cd bench/report && go run .
//
// Five rounds take about twenty minutes on two cores, 4 GB of memory and 2 GB under the
// temporary directory. The binaries are built once, and within a round run one benchmark
// after the other in alternating order, so that what else the machine does meets all of
// them alike. With -base COMMIT, the benchmarks of sgsim at that commit take turns with
// these, and stand beside them under its name.
//
// With -quick or -only, if a benchmark fails, and after Ctrl-C, the pages go to the
// folder sgsim-bench under the temporary directory and the repository stays as it is.
// What the benchmarks print always goes there, to raw.txt, for benchstat:
//
//	go tool benchstat -col /impl -ignore pkg raw.txt
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	r := &runner{began: time.Now(), root: output(".", "git", "rev-parse", "--show-toplevel")}
	flag.IntVar(&r.rounds, "rounds", 5, "run everything `N` times")
	flag.BoolVar(&r.quick, "quick", false, "small sizes and hardly any time, to try the command: the figures mean nothing")
	flag.StringVar(&r.only, "only", "", "run benchmarks that match `REGEXP`; what follows its first slash is for their cases")
	flag.StringVar(&r.base, "base", "", "also run sgsim's benchmarks at an older `COMMIT`")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := r.report(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
}

func (r *runner) report(ctx context.Context) (err error) {
	if r.dir, err = os.MkdirTemp("", "sgsim-bench-*"); err != nil {
		return err
	}
	defer r.close()
	if err := r.build(ctx); err != nil {
		return err
	}
	err = r.run(ctx)
	return errors.Join(err, r.write(err == nil && !r.quick && r.only == ""))
}
