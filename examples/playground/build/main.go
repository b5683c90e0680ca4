// Command build writes the playground as a folder that any file server serves.
//
//	go run ./examples/playground/build [-serve localhost:8080] DIR
//
// It runs in a checkout, anywhere in it, and needs the go command.
package main

import (
	"flag"
	"fmt"
	"log"
	"net/http"
)

func main() {
	log.SetFlags(0)
	serve := flag.String("serve", "", "then serve the folder at this address")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: build [-serve localhost:8080] DIR")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		log.Fatal("one folder, please")
	}
	dir := flag.Arg(0)
	if err := build(dir); err != nil {
		log.Fatal(err)
	}
	if *serve != "" {
		log.Printf("serving %s at http://%s/", dir, *serve)
		log.Fatal(http.ListenAndServe(*serve, http.FileServer(http.Dir(dir))))
	}
}
