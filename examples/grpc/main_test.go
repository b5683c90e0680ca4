package main

import (
	"os/exec"
	"testing"

	"github.com/sgsim/sgsim/examples/internal/sample"
)

func TestSample(t *testing.T) {
	want, err := sample.Output("main.go")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "run", ".").CombinedOutput()
	if got := sample.Clean(string(out)); err != nil || got != want {
		t.Errorf("it printed (%v):\n%swant:\n%s", err, got, want)
	}
}
