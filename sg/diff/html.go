package diff

import (
	"errors"
	"io"
)

// PageOptions say what a page needs beside what differs.
type PageOptions struct {
	TextOptions // Most is not used: pages have their own bounds

	// Before, After and Captures are the names of what was compared and replayed, for
	// people.
	Before, After, Captures []string
}

// WriteHTML writes what differs and, unless it is nil, what that does to traffic, as one
// page that needs nothing else, not even a network.
func WriteHTML(w io.Writer, d *Diff, t *Traffic, o *PageOptions) error { return errors.ErrUnsupported }
