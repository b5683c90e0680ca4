package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// A progress is a line that says how far long work is, and how much longer it will take.
// It appears after a second and disappears at the end. The zero progress shows nothing.
type progress struct {
	w     io.Writer // nil for none
	began time.Time
	last  time.Time // when the line was drawn
	total int64     // bytes of the input; 0 if not known
	noun  string    // "packets", "records"
	each  int64     // bytes of the input before each of them that are not counted
}

// A file of captures holds 16 bytes before each packet.
const recordHeader = 16

// progress returns a progress for reading total bytes, if somebody looks.
func (t *tool) progress(total int64, noun string, each int64) *progress {
	if !terminal(t.stderr) {
		return &progress{}
	}
	return &progress{w: t.stderr, began: time.Now(), total: total, noun: noun, each: each}
}

// sizeOf returns the bytes of captures; 0 if the size of one means nothing, as for a
// pipe or a gzipped file.
func sizeOf(names []string) (size int64) {
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil || !info.Mode().IsRegular() || strings.HasSuffix(name, ".gz") {
			return 0
		}
		size += info.Size()
	}
	return size
}

// show is called every few thousand packets.
func (p *progress) show(packets, bytes uint64) {
	if p.w == nil {
		return
	}
	now := time.Now()
	if now.Sub(p.began) < time.Second || now.Sub(p.last) < 200*time.Millisecond {
		return
	}
	p.last = now
	fmt.Fprintf(p.w, "\r\x1b[K%s", p.line(packets, bytes, now.Sub(p.began)))
}

// line says how far it is after some time.
func (p *progress) line(packets, bytes uint64, since time.Duration) string {
	line := fmt.Sprintf("%.1f million %s, %.1f million a second", float64(packets)/1e6, p.noun, float64(packets)/1e6/since.Seconds())
	if p.total <= 0 {
		return line
	}
	// Snapped packets make a file smaller than their bytes, so this is a guess, kept
	// below 100.
	done := float64(bytes) + float64(p.each)*float64(packets)
	share := min(0.99, done/float64(p.total))
	line += fmt.Sprintf(", %d%%", int(100*share))
	if share > 0 {
		line += ", " + left(time.Duration(float64(since)*(1-share)/share)) + " left"
	}
	return line
}

// left formats a length of time as exactly as a guess can be.
func left(d time.Duration) string {
	switch {
	case d < 90*time.Second:
		return fmt.Sprintf("%d s", (d+time.Second-1)/time.Second)
	case d < 90*time.Minute:
		return fmt.Sprintf("%d min", (d+30*time.Second)/time.Minute)
	}
	return fmt.Sprintf("%.1f h", d.Hours())
}

// done removes the line.
func (p *progress) done() {
	if !p.last.IsZero() {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
