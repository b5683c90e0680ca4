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
	compiling   reason = "compile"
	replaying   reason = "replay"
	twoThreads  reason = "two cores"
	buffers     reason = "buffers"
)

// reasons say it in words, without figures: these are in the row, in the parts
// beside it and in the profiles.
var reasons = map[reason]string{
	decoding: "the parse by hand knows one kind of frame and fills a key. Decode fills every field of a Header and tells link types, tags, " +
		"extension headers, fragments and cut-off frames apart; of its own lines, clearing the Header has most samples, filling it nearly all others.",
	hit: "while the table fits the caches, the time is spread over making the key, hashing it, comparing it and writing the new expiry. Where it does not, " +
		"the samples gather in the look-up, which waits for the lines that hold the connection; a caller who has several packets at hand can have them " +
		"on their way before it asks, as in the rows with packets ahead. The Go map waits in the same way, so that a ratio to it shrinks only as far as " +
		"the waiting does.",
	records: "a record holds the key of both directions, state, timers and tag; besides there is the room that a table needs to find it, and to grow.",
	pauses: "inserts that take long are those that touch a large page for the first time, which the kernel clears before, and for which the host of a " +
		"virtual machine may have to find the memory. Small pages are cleared one at a time, and cost more at every look-up.",
	first: "matching has the larger part, opening the entry most of the rest. A share of the latter is reclaim: since the table neither grows nor empties here, every " +
		"packet that is admitted also pays for the removal of a connection that has died, where one that is not admitted pays for neither. Matching is spread " +
		"over the fronts of the groups, what they ask about the address, and their entries; none of which stands out.",
	firstNoPort: "nothing in it waits for memory. The miss in the table and the port asked of all groups have the larger part; the rest is the way there and back, " +
		"exemptions and the filling of a decision, some steps each that depend on the ones before.",
	firstCold: "the interface, the fronts and entries of its groups, and the place of the new entry lie in memory that no packet of late has touched. Groups are asked " +
		"at once, so that their waits overlap; what is left is the chain from the interface to its fronts, to their entries, to the table, which the profile shows in matchPort, scan and Commit.",
	frame:   "decoding and the table, both measured alone, have the larger part of it; the rest is finding what the interface exempts, filling a decision and naming the rule.",
	changes: "what a change alters is made anew, so that no packet ever sees half of it: for a rule the index of its group, where entering the rules has most of the time.",
	compiling: "the rules of all groups are checked, resolved by the ids they name and entered into the index of their group, for which memory is taken; " +
		"these have nearly all of it. The interfaces have next to none.",
	replaying: "the file takes a fraction of it, as reading and decoding alone shows. Of the rest the table has most, and with many connections it waits for memory, as above; " +
		"then come finding the interfaces by address and counting by rule.",
	twoThreads: "no more than the second processor adds can come of it. Two that share the units and caches of one core add little where both compute, " +
		"and more where each waits for memory; reading the capture stays with one of them.",
	buffers: "what a replay keeps beside the table does not grow with the capture; when the collector runs differs from run to run.",
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
