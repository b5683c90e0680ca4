// Flowparquet turns VPC flow logs in Parquet, as S3 has them, into the text that
// package flowlog reads.
//
//	flowparquet AWSLogs/ > flow.log
//	flowparquet -format '${interface-id} ${srcaddr} ${dstaddr} ${action}' a.log.parquet
//
// Each argument is a file, or a folder, of which all files are taken that end in
// .parquet, in the order of their paths. Every file may have columns of its own: a
// header line stands wherever they change. What cannot be read is told on standard
// error, and the other files are read all the same; then the exit status is 1.
//
// It is a module of its own, so that nobody who imports sgsim sees what Parquet
// needs.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/sgsim/sgsim/sg/flowlog"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("flowparquet", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: flowparquet [-format FORMAT] FILE|FOLDER ...")
		flags.PrintDefaults()
	}
	named := flags.String("format", "", "fields to write, as in ${version} ${action}; all columns of a file where empty")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if flags.NArg() == 0 {
		flags.Usage()
		return 2
	}
	out := bufio.NewWriterSize(stdout, 64<<10)
	c := converter{w: out}
	if *named != "" {
		var err error
		if c.format, err = flowlog.ParseFormat(*named); err != nil {
			fmt.Fprintln(stderr, "flowparquet:", err)
			return 2
		}
	}
	status := 0
	failed := func(err error) {
		fmt.Fprintln(stderr, "flowparquet:", err)
		status = 1
	}
	names, err := files(flags.Args())
	if err != nil {
		failed(err)
	}
	for _, name := range names {
		if err := c.file(name); err != nil {
			failed(fmt.Errorf("%s: %w", name, err))
		}
	}
	if err := out.Flush(); err != nil {
		failed(err)
	}
	return status
}

// files returns those that are named and those in folders, and what stood in the
// way of the first that cannot be looked at.
func files(args []string) ([]string, error) {
	var names []string
	for _, arg := range args {
		err := filepath.WalkDir(arg, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && (path == arg || strings.HasSuffix(path, ".parquet")) {
				names = append(names, path)
			}
			return err
		})
		if err != nil {
			return names, err
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no Parquet file in %q", args)
	}
	return names, nil
}
