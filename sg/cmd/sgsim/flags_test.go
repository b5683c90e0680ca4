package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// What is wrong with a flag is said in words that help.
func TestFlagErrors(t *testing.T) {
	for args, want := range map[string]string{
		"explain -packet x a.pcap":     "-packet x: not a number",
		"explain -exempt=x a":          "-exempt x: neither true nor false",
		"replay -log-interval ten x":   "-log-interval ten: not a duration such as 10m",
		"explain -topologyy x":         "no flag -topologyy: did you mean -topology?",
		"replay -topolgy=x y":          "no flag -topolgy: did you mean -topology?",
		"replay -fail drop":            "no flag -fail: did you mean -fail-on?",
		"diff --befor x":               "no flag -befor: did you mean -before?",
		"check -colour":                "no flag -colour",
		"check -topology=":             `invalid value "" for flag -topology: it is empty`,
		"diff -before x -after=":       `invalid value "" for flag -after: it is empty`,
		"graph -format":                "flag needs an argument: -format",
		"replay -workers=many -html x": "-workers many: not a number",
	} {
		name, _, _ := strings.Cut(args, " ")
		r := runSgsim(t, strings.Fields(args)...)
		assert.Equal(t, result{status: exitUsage, stderr: "sgsim " + name + ": " + want + " (sgsim " + name + " -h shows the flags)\n"}, r)
	}
}
