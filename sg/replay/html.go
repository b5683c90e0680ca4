package replay

import (
	"errors"
	"io"

	"github.com/sgsim/sgsim/sg"
)

// PageOptions say what a page needs beside the report.
type PageOptions struct {
	// Topology is that of the replay: its names stand beside ids, and its groups are
	// drawn.
	Topology *sg.Topology

	// Policy was compiled of it. Packets are explained by a firewall of it with the
	// options Firewall and what Via says, as those of the replay; without a Policy no
	// packet is explained.
	Policy   *sg.Policy
	Firewall sg.Options
	Via      sg.Via

	// Inputs are the names of what was replayed, for people.
	Inputs []string
}

// WriteHTML writes the report as one page that needs nothing else, not even a network.
func WriteHTML(w io.Writer, r *Report, o *PageOptions) error { return errors.ErrUnsupported }

// WriteFlowHTML writes the report of flow logs as one page that needs nothing else, not
// even a network.
func WriteFlowHTML(w io.Writer, r *FlowReport, o *PageOptions) error { return errors.ErrUnsupported }
