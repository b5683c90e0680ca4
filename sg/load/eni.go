package load

import (
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/topotext"
)

// ParseENI reads an interface from words separated by blanks or commas, as in a
// line of a topology's text:
//
//	eni-web 10.0.1.10 2001:db8::10 10.0.3.0/28 sg-web public=203.0.113.5
//	id=eni-web,addr=10.0.1.10,group=web
//
// The first word is the id. A CIDR block is a delegated prefix, and a word that
// starts with sg- is a group, as is the address of one in Terraform. Words that could be
// mistaken for something else need a key: id, addr, group. Further keys are public (an
// address outside the VPC), name, vpc, subnet, instance, account, type, and the idle
// timeouts tcp-established, udp and udp-stream. The words nitro-v6, managed (an AWS service
// created it) and no-source-dest-check stand alone. A value with blanks or commas is quoted
// as in Go.
//
// ParseENI does not check that the interface has a group, which [Loader.AddENI]
// may know from elsewhere, or that its addresses are possible, which [sg.Compile]
// does.
func ParseENI(s string) (sg.ENI, error) { return topotext.ParseENI(s) }

// handmade adds an interface that the caller gave.
func (b *builder) handmade(e *givenENI) {
	added := e.ENI
	added.Groups = make([]sg.GroupID, len(e.Groups))
	for i, id := range e.Groups {
		added.Groups[i] = b.groupNamed(id)
	}
	if b.stage == before && len(e.Groups) == 0 && b.enis.of[e.ID] == nil {
		return // an interface that a plan makes
	}
	at := &cursor{src: &source{name: e.name, p: &b.problems}}
	merged := b.eni(e.ID, at)
	merged.merge(&added)
	if len(added.Groups) > 0 {
		merged.unresolved, merged.byDefault = "", false // the caller knows what the plan does not tell
	}
	if len(merged.Groups) == 0 && !merged.MayLackGroups() && !b.unread {
		at.fail(codeMissingParam, "has no group, and no input has an interface of this id that has one") // SG-10, SG-85
	}
}

// groupNamed returns the id of the only group with a name or an address in Terraform, if
// no group has that as its id.
func (b *builder) groupNamed(id sg.GroupID) sg.GroupID {
	if b.groups.of[id] != nil {
		return id
	}
	if b.groupNames == nil {
		b.groupNames = make(map[string][]sg.GroupID)
		for _, g := range b.groups.all {
			b.groupNames[g.Name] = append(b.groupNames[g.Name], g.ID)
			if resource := placeIn(&b.groups, g.ID).Resource; resource != "" {
				b.groupNames[resource] = append(b.groupNames[resource], g.ID)
			}
		}
	}
	if found := b.groupNames[string(id)]; len(found) == 1 {
		return found[0]
	}
	return id
}
