package main

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

// The share of a flow log that was read is that of its bytes; of a capture, each packet
// has a header of 16 bytes in the file besides.
func TestProgressShare(t *testing.T) {
	for each, want := range map[int64]string{0: ", 50%, 2 s left", 16: ", 66%, 2 s left"} {
		synctest.Test(t, func(t *testing.T) {
			var b bytes.Buffer
			p := progress{w: &b, began: time.Now(), total: 10_000, noun: "records", each: each}
			time.Sleep(2 * time.Second)
			p.show(100, 5000)
			assert.Equal(t, "\r\x1b[K0.0 million records, 0.0 million a second"+want, b.String())
			time.Sleep(199 * time.Millisecond)
			p.show(100, 5000)
			assert.Equal(t, 1, bytes.Count(b.Bytes(), []byte("\r")), "not drawn again at once")
			time.Sleep(time.Millisecond)
			p.show(100, 5000)
			assert.Equal(t, 2, bytes.Count(b.Bytes(), []byte("\r")))
			p.done()
			assert.Equal(t, 3, bytes.Count(b.Bytes(), []byte("\r")))
		})
	}
}
