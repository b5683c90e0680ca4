package conntrack

import "strconv"

var (
	stateText = [...]string{
		"none", "syn_sent", "syn_recv", "established", "fin_wait", "close_wait", "last_ack", "time_wait", "close",
		"syn_sent2", "unreplied", "replied", "stream",
	}
	directionText = [...]string{"", "original", "reply"}
)

// String returns the state's name in lower case: "established", "syn_recv".
func (s State) String() string {
	if int(s) < len(stateText) {
		return stateText[s]
	}
	return "State(" + strconv.Itoa(int(s)) + ")"
}

// String returns "original" or "reply", and "" for the zero Direction.
func (d Direction) String() string {
	if int(d) < len(directionText) {
		return directionText[d]
	}
	return "Direction(" + strconv.Itoa(int(d)) + ")"
}
