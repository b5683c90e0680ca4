package conntrack

import (
	"fmt"
	"strconv"
)

var (
	stateText = [...]string{
		"none", "syn_sent", "syn_recv", "established", "fin_wait", "close_wait", "last_ack", "time_wait", "close",
		"syn_sent2", "unreplied", "replied", "stream",
	}
	directionText = [...]string{"", "original", "reply"}
	profileText   = [...]string{"aws", "linux"}
	classText     = [...]string{"invalid", "new", "tracked", "related", "untracked", "fragment"}
	whyText       = [...]string{
		"", "no_syn", "flags", "state", "no_request", "no_quoted", "quote", "type", "family", "missing", "ignored",
	}
)

// String returns the class's name in lower case: "tracked".
func (c Class) String() string {
	if int(c) < len(classText) {
		return classText[c]
	}
	return "Class(" + strconv.Itoa(int(c)) + ")"
}

// String returns the reason in lower case, "no_syn", and "" for WhyNone.
func (w Why) String() string {
	if int(w) < len(whyText) {
		return whyText[w]
	}
	return "Why(" + strconv.Itoa(int(w)) + ")"
}

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

// String returns "aws" or "linux".
func (p Profile) String() string {
	if int(p) < len(profileText) {
		return profileText[p]
	}
	return "Profile(" + strconv.Itoa(int(p)) + ")"
}

// MarshalText returns the text form.
func (p Profile) MarshalText() ([]byte, error) {
	if int(p) >= len(profileText) {
		return nil, fmt.Errorf("%d: not one of %q", p, profileText)
	}
	return []byte(profileText[p]), nil
}

// UnmarshalText reads the text form.
func (p *Profile) UnmarshalText(b []byte) error {
	for i, s := range profileText {
		if s == string(b) {
			*p = Profile(i)
			return nil
		}
	}
	return fmt.Errorf("%q: not one of %q", b, profileText)
}
