package load

import (
	"errors"
	"io"
	"os"
	"strings"

	"github.com/sgsim/sgsim/sg"
)

// Files reads the named files into one topology. A name may be preceded by the id
// of the prefix list whose entries the file holds: pl-0123=entries.json.
//
// The error joins every [*Error] that was found. Without one, the topology is
// complete except for what the warnings say.
func Files(names ...string) (*sg.Topology, []Warning, error) {
	l := New()
	for _, name := range names {
		l.AddFile(name)
	}
	return l.Topology()
}

// A Loader gathers inputs and makes a topology of them. Make one with [New]. It
// is not safe for concurrent use.
type Loader struct {
	docs   []*cursor // roots, in the order given
	enis   []givenENI
	errs   []error
	places places
}

// New returns a Loader without inputs.
func New() *Loader { return &Loader{} }

// AddFile adds a file, or with "pl-0123=FILE" the entries of a prefix list. What
// is wrong with it is part of the error of [Loader.Topology].
func (l *Loader) AddFile(name string) {
	_, path := splitName(name)
	f, err := os.Open(path)
	if err != nil {
		l.errs = append(l.errs, err)
		return
	}
	defer f.Close()
	l.Add(name, f)
}

// Add reads r to its end. The name stands in messages; "pl-0123=NAME" says that r
// holds the entries of that prefix list. What is wrong with it, an error of r
// included, is part of the error of [Loader.Topology].
func (l *Loader) Add(name string, r io.Reader) {
	list, path := splitName(name)
	data, err := io.ReadAll(r)
	if err != nil {
		l.errs = append(l.errs, &Error{Place: Place{File: path}, Err: err})
		return
	}
	text, err := decodeText(data)
	if err != nil {
		l.errs = append(l.errs, &Error{Place: Place{File: path}, Err: err})
		return
	}
	src := newSource(path, text)
	src.list = list
	docs, bad := parse(text)
	if bad != nil {
		line, col := src.position(bad.off)
		l.errs = append(l.errs, &Error{Place: Place{File: path, Line: line, Column: col}, Err: bad.err})
	}
	for i := range docs {
		l.docs = append(l.docs, &cursor{src: src, v: &docs[i]})
	}
}

// splitName takes a prefix list's id from the name of a file with its entries.
func splitName(name string) (sg.PrefixListID, string) {
	if id, path, ok := strings.Cut(name, "="); ok && strings.HasPrefix(id, "pl-") && !strings.ContainsAny(id, `/\`) {
		return sg.PrefixListID(id), path
	}
	return "", name
}

// AddENI adds an interface by hand, as [ParseENI] reads it. Where the inputs hold
// one with this id, it gets the addresses and groups as well: that is how an
// interface of a Terraform plan gets the addresses that AWS has yet to choose.
// A group may be given by its name where no group has it as id.
func (l *Loader) AddENI(e sg.ENI) { l.AddNamedENI("interface "+string(e.ID), e) }

// AddNamedENI is AddENI with a name that stands in messages where others have a
// file, such as the flag of a command that gave the interface.
func (l *Loader) AddNamedENI(name string, e sg.ENI) { l.enis = append(l.enis, givenENI{e, name}) }

// A givenENI is an interface that the caller gave.
type givenENI struct {
	sg.ENI
	name string
}

// Topology returns what all the inputs say together, in the order in which they
// say it, and everything that is worth a warning. The error joins all that was
// found, each an [*Error] where the input is to blame; what [sg.Compile] would
// refuse in what could be read is among them. Where an input could not be read at
// all, groups that nothing declares are no error, since that input may.
func (l *Loader) Topology() (*sg.Topology, []Warning, error) {
	b := newBuilder()
	b.errs = append(b.errs, l.errs...)
	for _, root := range l.docs {
		root.p = &b.problems
	}
	b.unread = len(l.errs) > 0
	var docs []*cursor
	for _, root := range l.docs {
		if b.understood(root) {
			docs = append(docs, root)
		} else {
			b.unread = true
		}
	}
	for _, r := range readers {
		for _, root := range docs {
			if root.v.get(r.key) != nil {
				r.read(b, root.field(r.key))
			}
		}
	}
	for _, root := range docs {
		if token := root.field("NextToken"); token.there() {
			token.warn("", "one page of several: more follow it")
		}
	}
	for i := range l.enis {
		b.handmade(&l.enis[i])
	}
	b.missingGroups(l.enis)
	t := b.topology()
	l.places = b.places(t)
	if len(b.errs) > 0 {
		_, err := sg.Compile(t)
		for _, err := range flatten(err) {
			b.errs = append(b.errs, l.Locate(err))
		}
		return nil, b.warns, errors.Join(b.errs...)
	}
	return t, b.warns, nil
}

// flatten returns the errors that were joined, and none for nil.
func flatten(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	switch {
	case err == nil:
		return nil
	case !ok:
		return []error{err}
	}
	return joined.Unwrap()
}
