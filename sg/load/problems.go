package load

import (
	"errors"
	"fmt"
)

// maxProblems bounds the errors that are listed, and the warnings. What is behind
// them is only counted.
const maxProblems = 1000

// A problems list is where all that is found while reading is gathered.
type problems struct {
	errs  []error
	warns []Warning

	moreErrs, moreWarns int // than are listed

	said map[string]bool // what is listed: a value may be looked at more than once
}

// add adds errors that are not there yet.
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
	if p.said[s] {
		return false
	}
	if p.said == nil {
		p.said = make(map[string]bool)
	}
	p.said[s] = true
	return true
}

// err joins the errors, nil where there are none.
func (p *problems) err() error {
	if p.moreErrs > 0 {
		return errors.Join(append(p.errs, fmt.Errorf("%d more errors", p.moreErrs))...)
	}
	return errors.Join(p.errs...)
}

// warnings returns the warnings, the last of which counts those that are not listed.
func (p *problems) warnings() []Warning {
	if p.moreWarns > 0 {
		return append(p.warns, Warning{Text: fmt.Sprintf("%d more warnings", p.moreWarns)})
	}
	return p.warns
}
