//go:build !unix

package capture

import (
	"errors"
	"os"
)

// mapFile leaves the file to be read in pieces.
func mapFile(*os.File) (data []byte, unmap func() error, err error) {
	return nil, nil, errors.ErrUnsupported
}
