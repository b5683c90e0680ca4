package capture

import (
	"errors"
	"fmt"
)

// What a [DamageError] unwraps to.
var (
	// ErrFormat: the file starts like neither pcap nor pcapng, or is of a version
	// that is not known.
	ErrFormat = errors.New("not a pcap or pcapng file")

	// ErrTruncated: the file ends inside a packet record or block, because it was still
	// being written, the disk was full, or it shrank while it was read.
	ErrTruncated = errors.New("file ends inside a record")

	// ErrRecord: lengths in a packet record or block contradict each other or the
	// format.
	ErrRecord = errors.New("broken record")

	// ErrInterface: a pcapng packet names an interface that its section has not
	// described.
	ErrInterface = errors.New("packet of an undescribed interface")
)

// A DamageError says where a capture becomes unreadable. Every packet before that
// place was yielded.
type DamageError struct {
	Name   string // of the file, as given to [Open] or [NewReader]
	Packet int    // number of the packet that could not be read; 0 for the file header
	Offset int64  // where its record starts, in bytes; after gunzip for gzipped files
	Err    error  // one of this package's Err values, or the reader's error
}

func (e *DamageError) Error() string {
	if e.Packet == 0 {
		return fmt.Sprintf("%s: byte %d: %v", e.Name, e.Offset, e.Err)
	}
	return fmt.Sprintf("%s: packet %d at byte %d: %v", e.Name, e.Packet, e.Offset, e.Err)
}

func (e *DamageError) Unwrap() error { return e.Err }
