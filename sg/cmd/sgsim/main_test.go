package main

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
)

var long = flag.Bool("long", false, "start the program anew for each call")

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

// A flag behind the captures is an error that says so, unless -- stands before.
func TestFlagsComeFirst(t *testing.T) {
	r := runSgsim(t, "replay", "web.pcap", "-topology", "vpc.json")
	assert.Equal(t, exitUsage, r.status)
	assert.Contains(t, r.stderr, "-topology: flags come before web.pcap")
	r = runSgsim(t, "replay", "-topology", vpc(t), "--", "no.pcap", "-topology")
	assert.Equal(t, exitInput, r.status, "after -- all are captures")
	assert.NotContains(t, r.stderr, "flags come before")
}
