package load

import (
	"errors"
	"fmt"
	"strings"
)

// A Place is a position in the input. It is comparable; the zero Place means that
// the position is not known.
type Place struct {
	File string
	Line int // from 1; 0: not in a file

	// Column is where a text stops being JSON, in characters from 1. It is 0 if
	// Path says more.
	Column int

	// Path leads to the value: SecurityGroups[0].IpPermissions[2].IpRanges[0].CidrIp
	Path string

	// Resource is the Terraform address of the resource the value belongs to.
	// `terraform show -json` prints a single line, so it is what people look for.
	Resource string
}

// IsZero reports whether the place is not known.
func (p Place) IsZero() bool { return p == Place{} }

// String returns "vpc.json:17: SecurityGroups[0].GroupId", or less if less is
// known, followed by the Terraform address in parentheses.
func (p Place) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	if p.Column > 0 {
		fmt.Fprintf(&b, ":%d", p.Column)
	}
	if p.Path != "" {
		b.WriteString(": ")
		b.WriteString(p.Path)
	}
	if p.Resource != "" {
		fmt.Fprintf(&b, " (%s)", p.Resource)
	}
	return b.String()
}

// An Error is something wrong in the input. Its text holds all the fields:
//
//	vpc.json:17: SecurityGroups[0].IpPermissions[2].IpRanges[0].CidrIp: "10.0.0/8" is not a CIDR block (InvalidParameterValue)
type Error struct {
	Place
	Code string // AWS's error code, as listed in SG-70 to SG-85; empty if there is none
	Err  error
}

func (e *Error) Error() string { return e.Place.line(e.Err.Error(), e.Code) }

func (e *Error) Unwrap() error { return e.Err }

// A Warning is something in the input that was understood but left out or
// changed: the topology is usable, but says less than the file, or something
// else.
type Warning struct {
	Place
	Code string // as in [Error]
	Text string
}

// String returns place, text and code on one line.
func (w Warning) String() string { return w.Place.line(w.Text, w.Code) }

// line returns place, text and code; place and code only if they are known.
func (p Place) line(text, code string) string {
	if !p.IsZero() {
		text = p.String() + ": " + text
	}
	if code != "" {
		text += " (" + code + ")"
	}
	return text
}

// Error codes of AWS (SG-70 to SG-85).
const (
	codeDuplicate     = "InvalidPermission.Duplicate"
	codeGroupNotFound = "InvalidGroup.NotFound"
	codeGroupID       = "InvalidGroupId.Malformed"
	codeACLEntry      = "NetworkAclEntryAlreadyExists"
	codePrefixList    = "InvalidPrefixListID.NotFound"
	codeParameter     = "InvalidParameterValue"
	codeMissingParam  = "MissingParameter"
)

// maxProblems bounds the errors that are listed, and the warnings. Further ones
// are only counted.
const maxProblems = 1000

// problems collects everything found while reading.
type problems struct {
	errs  []error
	warns []Warning

	moreErrs, moreWarns int // beyond those listed

	seen map[string]bool // those listed: a value may be read more than once
}

// add adds errors that are not listed yet.
func (p *problems) add(errs ...error) {
	for _, err := range errs {
		if len(p.errs) == maxProblems {
			p.moreErrs++
		} else if p.first(err.Error()) {
			p.errs = append(p.errs, err)
		}
	}
}

func (p *problems) first(s string) bool {
	if p.seen[s] {
		return false
	}
	if p.seen == nil {
		p.seen = make(map[string]bool)
	}
	p.seen[s] = true
	return true
}

// err joins the errors, nil where there are none.
func (p *problems) err() error {
	if p.moreErrs > 0 {
		return errors.Join(append(p.errs, fmt.Errorf("%d more errors", p.moreErrs))...)
	}
	return errors.Join(p.errs...)
}

// warnings returns the warnings; the last one counts those that are not listed.
func (p *problems) warnings() []Warning {
	if p.moreWarns > 0 {
		return append(p.warns, Warning{Text: fmt.Sprintf("%d more warnings", p.moreWarns)})
	}
	return p.warns
}
