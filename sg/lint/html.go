package lint

import (
	"errors"
	"io"

	"github.com/sgsim/sgsim/sg"
)

// WriteOptions say how findings are written.
type WriteOptions struct {
	// Topology is what was checked: its names stand beside ids.
	Topology *sg.Topology

	// Place returns where in the input a subject stands. It may be nil.
	Place func(Subject) Place

	// Statements names the statements behind findings, such as REF-10.
	Statements bool

	// Inputs are the names of what was checked, for people. Only pages show them.
	Inputs []string
}

// A Place is where in files something stands, as package load has it.
type Place struct {
	File     string
	Line     int // from 1; 0: not in a file
	Path     string
	Resource string
}

// WriteHTML writes findings as one page that needs nothing else, not even a network.
func WriteHTML(w io.Writer, findings []Finding, o *WriteOptions) error { return errors.ErrUnsupported }
