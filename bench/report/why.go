package main

import (
	"fmt"
	"strings"
)

// A reason names what stands between a figure and its goal.
type reason string

const (
	decoding    reason = "decode"
	hit         reason = "hit"
	records     reason = "records"
	pauses      reason = "pauses"
	first       reason = "first packet"
	firstNoPort reason = "first packet, no port"
	firstCold   reason = "first packet, cold"
	frame       reason = "frame to decision"
	changes     reason = "changes"
	replaying   reason = "replay"
	twoThreads  reason = "two cores"
	buffers     reason = "buffers"
)

// reasons say it in words, without figures: these are in the row, in the parts
// beside it and in the profiles.
var reasons = map[reason]string{
	decoding:    "the parse by hand knows one frame and fills a key. Decode knows link types, tags, extension headers and fragments, fills every field of a Header, and says what of it a frame does not hold.",
	hit:         "a hit waits for memory twice where the table is larger than the caches: for the line that says where the record is, and for the record, whose new expiry is written.",
	records:     "a record holds both directions' key, state, timers and tag, and the index its share beside.",
	pauses:      "the longest of all single calls, so what the machine does meanwhile is in it: memory that is touched for the first time comes from the kernel page by page, cleared.",
	first:       "the packet is looked up, missed, matched against the rules, and entered.",
	firstNoPort: "the packet is looked up and missed before the rules see it.",
	firstCold:   "the interface, its rules, the address and the place for the new entry each lie in memory that no packet of late has touched, and each is waited for.",
	frame:       "decoding and the table make up most of it; the rest finds the zone and fills the decision.",
	changes:     "a change copies what it alters, so that no packet ever sees half of it.",
	replaying:   "every packet is read, decoded, given to its interface, decided and counted by rule.",
	buffers:     "what a replay keeps beside the table does not grow with the capture; when the collector runs differs from run to run.",
	twoThreads:  "no more than the second processor adds can come of it; two that share one core's units and caches add less than two cores do.",
}

// because lists the reasons that rows of a room have named.
func because(w *strings.Builder, named []reason) {
	for i, n := range named {
		if i == 0 {
			w.WriteString("\n")
		}
		fmt.Fprintf(w, "- *%s*: %s\n", n, reasons[n])
	}
}
