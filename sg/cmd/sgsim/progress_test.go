package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// The share of a flow log that was read is that of its bytes; of a capture, each packet
// has a header of 16 bytes in the file besides.
func TestProgressShare(t *testing.T) {
	for each, want := range map[int64]string{0: ", 50%, [23] s left", 16: ", 66%, [12] s left"} {
		var b bytes.Buffer
		p := progress{w: &b, began: time.Now().Add(-2 * time.Second), total: 10_000, noun: "records", each: each}
		p.show(100, 5000)
		assert.Regexp(t, "^\r\x1b\\[K0.0 million records, 0.0 million a second"+want+"$", b.String())
		p.show(100, 5000)
		assert.Equal(t, 1, bytes.Count(b.Bytes(), []byte("\r")), "not drawn again at once")
		p.done()
		assert.Equal(t, 2, bytes.Count(b.Bytes(), []byte("\r")))
	}
}
