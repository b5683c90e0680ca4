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
	p    *problems       // found in it
	list sg.PrefixListID // whose entries it holds, as the caller says
	text string          // of a topology: its lines are the nodes; "" for JSON and YAML

	preferred bool // the caller preferred it: what it says stands
	decides   bool // preferred, or a plan

	resources map[uint32]string // Terraform addresses of what these nodes contain
}

// LineOf returns the line of a node.
func (s *source) LineOf(n uint32) int {
	if s.text != "" {
		return int(n)
	}
	return s.Tree.LineOf(n)
}

// quiet returns the source for reading without reporting problems.
func (s *source) quiet() *source {
	q := *s
	q.p = &problems{}
	return &q
}

// read reads all documents of a text, including those before an error.
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
