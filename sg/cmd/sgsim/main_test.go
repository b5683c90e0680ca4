package main

import (
	"fmt"
	"os"
	"testing"
)

// sgsim is the program: the test binary itself, which runs main where the
// environment says so. A program that was built apart would be invisible to go
// test, which then takes an earlier result for the present one.
var sgsim string

const asProgram = "SGSIM_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	var err error
	if sgsim, err = os.Executable(); err == nil {
		err = os.Setenv(asProgram, "1")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}
