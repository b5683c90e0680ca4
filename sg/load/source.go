package load

import (
	"errors"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/jsontree"
)

type kind = jsontree.Kind

const (
	null    = jsontree.Null
	boolean = jsontree.Boolean
	number  = jsontree.Number
	str     = jsontree.String
	list    = jsontree.List
	object  = jsontree.Object
)

// A source is one input.
type source struct {
	jsontree.Tree
	name string
	p    *problems       // of what is read from it
	list sg.PrefixListID // whose entries it holds, as the caller says

	preferred bool // what it says stands, as the caller says
	decides   bool // the same, or it is a plan

	resources map[uint32]string // Terraform's addresses of what is inside these
}

// quiet returns the source for reading what is no concern of anybody.
func (s *source) quiet() *source {
	q := *s
	q.p = &problems{}
	return &q
}

// read reads all documents of a text, those before an error included.
func (s *source) read(text string) ([]uint32, *Error) {
	docs, bad := s.Read(text)
	if bad == nil {
		return docs, nil
	}
	err := bad.Err
	if errors.Is(err, jsontree.ErrScalar) {
		err = errNeither
	}
	return docs, &Error{Place: Place{File: s.name, Line: bad.Line, Column: bad.Column, Path: clip(bad.Path)}, Err: err}
}
