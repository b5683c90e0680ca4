package topotext

import (
	"errors"
	"fmt"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/words"
)

func (b *Builder) aclEntry(line, id string, args []words.Word) error {
	i := b.lastACL(id)
	if i < 0 {
		return fmt.Errorf("entry of network ACL %q, which no line above declares", id)
	}
	dir, e, err := ParseDirEntry(line, args)
	if err == nil {
		list := EntriesOf(&b.Topo.NetworkACLs[i], dir)
		*list = append(*list, e)
	}
	return err
}

func (b *Builder) lastACL(id string) int {
	return last(b, "acl", id, b.Topo.NetworkACLs, func(a *sg.NetworkACL) string { return string(a.ID) })
}

// ParseDirEntry reads "ingress 100 allow tcp 443 0.0.0.0/0", which starts at args[0].
func ParseDirEntry(line string, args []words.Word) (sg.Direction, sg.ACLEntry, error) {
	if len(args) < 2 {
		return 0, sg.ACLEntry{}, errors.New("entry without a direction and a number")
	}
	dir, err := ParseDirection(args[0])
	if err != nil {
		return 0, sg.ACLEntry{}, err
	}
	e, err := sg.ParseACLEntry(line[args[1].Start:])
	return dir, e, err
}

// EntriesOf returns the entries of a network ACL for a direction.
func EntriesOf(a *sg.NetworkACL, dir sg.Direction) *[]sg.ACLEntry {
	if dir == sg.Ingress {
		return &a.Ingress
	}
	return &a.Egress
}

func formatACL(w *words.Writer, a *sg.NetworkACL) {
	w.Start("acl", string(a.ID))
	w.Field("name", a.Name)
	w.Field("vpc", string(a.VPC))
	for _, s := range a.Subnets {
		w.Keep("subnet", string(s))
	}
	w.Flag("default", a.IsDefault)
	for _, dir := range []sg.Direction{sg.Ingress, sg.Egress} {
		for _, e := range *EntriesOf(a, dir) {
			w.Start("aclentry", string(a.ID), dir.String())
			w.Text(e.String())
		}
	}
}
