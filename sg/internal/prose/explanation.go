package prose

import (
	"strings"

	"github.com/sgsim/sgsim/sg"
)

// Explanation is an explanation for people, several lines with the indent that
// [sg.Explanation.String] gives them, which may be long. statements keeps the numbers of
// statements.
func (n *Names) Explanation(x *sg.Explanation, statements bool) string {
	s := Flags(n.Text(x.String()))
	if !statements {
		s = Plain(s)
	}
	return s
}

// flags has the options of package sg, which notes and hints name.
var flags = strings.NewReplacer("see Options.Midstream", "see -midstream", "see Options.RelatedICMP", "see -related-icmp", "say through=", "say -through ", "say vpc=", "say -vpc ")

// Flags puts the flags of the command for the options of package sg in a note or hint.
func Flags(s string) string { return flags.Replace(s) }
