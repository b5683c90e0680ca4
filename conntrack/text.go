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
func (c Class) String() string { return name(classText[:], "Class", uint8(c)) }

// String returns the reason in lower case, "no_syn", and "" for WhyNone.
func (w Why) String() string { return name(whyText[:], "Why", uint8(w)) }

// String returns the state's name in lower case: "established", "syn_recv".
func (s State) String() string { return name(stateText[:], "State", uint8(s)) }

// String returns "original" or "reply", and "" for the zero Direction.
func (d Direction) String() string { return name(directionText[:], "Direction", uint8(d)) }

// String returns "aws" or "linux".
func (p Profile) String() string { return name(profileText[:], "Profile", uint8(p)) }

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

// name returns the name of a value of a type.
func name(names []string, typ string, v uint8) string {
	if int(v) < len(names) {
		return names[v]
	}
	return typ + "(" + strconv.Itoa(int(v)) + ")"
}
