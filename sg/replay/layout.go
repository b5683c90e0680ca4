package replay

import (
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/prose"
)

func padLeft(b, s []byte, width int) []byte { return append(prose.Blanks(b, width-len(s)), s...) }

// ANSI colours of verdicts: red, green, yellow, and grey for what nobody judged.
var verdictColor = [...]string{sg.Drop: "31", sg.Accept: "32", sg.Unknown: "33", sg.NotApplicable: "90"}

// paint appends a word of a verdict's colour, and fills up to a width.
func paint(b []byte, on bool, v sg.Verdict, word string, width int) []byte {
	if on {
		b = append(append(append(append(append(b, "\x1b["...), verdictColor[v]...), 'm'), word...), "\x1b[0m"...)
	} else {
		b = append(b, word...)
	}
	return prose.Blanks(b, width-len(word))
}
