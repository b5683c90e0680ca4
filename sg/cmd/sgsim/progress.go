package main

import (
	"fmt"
	"io"
	"time"
)

// A progress is a line that says how far a long replay is. It appears after a
// second and is gone at the end.
type progress struct {
	w     io.Writer
	began time.Time
	last  time.Time // when the line was drawn
	total int64     // bytes of the input; 0 where that is not known
	noun  string    // "packets", "records"
	each  int64     // bytes of the input that stand before each of them and are not counted
}

// show is called every few thousand packets.
func (p *progress) show(packets, bytes uint64) {
	now := time.Now()
	if now.Sub(p.began) < time.Second || now.Sub(p.last) < 200*time.Millisecond {
		return
	}
	p.last = now
	seconds := now.Sub(p.began).Seconds()
	line := fmt.Sprintf("%.1f million %s, %.1f million a second", float64(packets)/1e6, p.noun, float64(packets)/1e6/seconds)
	if p.total > 0 {
		// Snapped packets make a file smaller than their bytes, so this is a guess, kept
		// below 100.
		line += fmt.Sprintf(", %d%%", min(99, int64(100*(float64(bytes)+float64(p.each)*float64(packets))/float64(p.total))))
	}
	fmt.Fprintf(p.w, "\r\x1b[K%s", line)
}

// done removes the line.
func (p *progress) done() {
	if !p.last.IsZero() {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
