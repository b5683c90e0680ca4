package page

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sgsim/sgsim/sg/internal/escape"
	"github.com/sgsim/sgsim/sg/internal/prose"
)

const (
	maxLine = 300  // bytes of a text on one line
	maxText = 8000 // of an explanation
)

// Line is a text on one line in which everything prints, clipped where it is longer than
// people read.
func Line(s string) string { return clip(escape.Text(clip(s, maxLine)), maxLine) }

// Text is Line for several lines.
func Text(s string) string { return clip(escape.Lines(clip(s, maxText)), maxText) }

func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most] + "…"
}

// Sentence begins a sentence with a capital letter.
func Sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// Count is "1 packet", "1,234 packets".
func Count(n uint64, noun string) string {
	return prose.Number(n) + " " + prose.Noun(n, noun)
}

// Bytes is a number of bytes in the unit that people would use: "512 B", "1.4 MB".
func Bytes(n uint64) string {
	if n < 1000 {
		return strconv.FormatUint(n, 10) + " B"
	}
	f, unit := float64(n), -1
	for f >= 999.95 && unit < 5 {
		f, unit = f/1000, unit+1
	}
	return strconv.FormatFloat(f, 'f', 1, 64) + " " + "kMGTPE"[unit:unit+1] + "B"
}

// Time is a time in UTC as tables sort it, to the millisecond.
func Time(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05.000")
}

// Share is a part of a whole, "12.5%", never rounded to nothing or to all.
func Share(part, whole uint64) string {
	switch {
	case whole == 0:
		return ""
	case part == 0:
		return "0%"
	case part == whole:
		return "100%"
	}
	f := 100 * float64(part) / float64(whole)
	switch {
	case f < 0.1:
		return "under 0.1%"
	case f > 99.9:
		return "over 99.9%"
	}
	return strconv.FormatFloat(f, 'f', 1, 64) + "%"
}
