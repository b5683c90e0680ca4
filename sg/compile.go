package sg

import (
	"cmp"
	"errors"
	"fmt"
	"hash/maphash"
	"net/netip"
	"slices"

	"github.com/sgsim/sgsim/sg/internal/cidrtrie"
	"github.com/sgsim/sgsim/sg/internal/member"
	"github.com/sgsim/sgsim/sg/internal/reach"
)

// Compile turns a topology into a policy and keeps nothing of it. It returns all
// errors at once, joined in topology order, each an *[Error]; if there are more than
// a thousand, the first thousand and their number.
//
// A rule that names a group or prefix list missing from the topology is stale,
// not wrong: it matches nothing (REF-15). Package lint lists such rules.
//
// A nil topology is an empty one.
func Compile(t *Topology) (*Policy, error) {
	if t == nil {
		t = &Topology{}
	}
	c := compiler{
		t: t,
		w: &world{
			groupByID: make(map[GroupID]uint32, len(t.Groups)),
			eniByID:   make(map[ENIID]uint32, len(t.ENIs)),
			listByID:  make(map[PrefixListID]uint32, len(t.PrefixLists)),
			members:   member.New(),
			reach:     reach.New(),
			public:    map[netip.Addr]ENIID{},
			strangers: map[GroupID]uint32{},
		},
		sets: make(map[uint64]*groupSet, len(t.ENIs)),
		seed: maphash.MakeSeed(),
		used: map[[2]uint32]bool{},
	}
	c.names()
	c.gateways()
	c.lists()
	c.groups()
	exempt := c.vpcs()
	c.enis(exempt)
	c.rules()
	c.peers()
	c.acls()
	if c.errs != nil {
		return nil, c.joined()
	}
	return &Policy{c.w}, nil
}

// mostErrors bounds how many errors are listed.
const mostErrors = 1000

// joined returns the errors in topology order. Names were checked before the things
// that bear them.
func (c *compiler) joined() error {
	order := []string{inGroups, inLists, inENIs, inVPCs, inPeerings, inACLs}
	slices.SortStableFunc(c.errs, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.Part), slices.Index(order, b.Part)), cmp.Compare(a.Index, b.Index))
	})
	var errs []error
	for _, e := range c.errs[:min(len(c.errs), mostErrors)] {
		errs = append(errs, e)
	}
	if n := len(c.errs) - len(errs); n > 0 {
		errs = append(errs, fmt.Errorf("and %d more errors", n))
	}
	return errors.Join(errs...)
}

type compiler struct {
	t    *Topology
	w    *world
	trie cidrtrie.Builder
	sets map[uint64]*groupSet // by the hash of their numbers
	seed maphash.Seed         // of this hash
	key  []byte               // what is hashed; reused
	used map[[2]uint32]bool   // by group and VPC, of groups that the topology lacks
	errs []*Error

	// Memory for the results of set.
	freeSets    []groupSet
	freeNumbers []uint32
}

// peers builds the trie of CIDRs and list entries, tells the rules the numbers of their
// CIDRs, and counts the rules that name each.
func (c *compiler) peers() {
	trie, numbers, end := c.trie.Trie(everyIPv6 + 1)
	c.w.cidrs = peers{Trie: trie, uses: make([]uint32, end-firstCIDR)}
	for _, g := range c.w.groups {
		for _, rules := range g.rules {
			for _, r := range rules {
				if r.kind != peerCIDR4 && r.kind != peerCIDR6 {
					continue
				}
				if r.peer == 0 { // rules gave it to the trie, in this order
					r.peer, numbers = numbers[0], numbers[1:]
				}
				c.w.cidrs.uses[r.peer-firstCIDR]++
			}
		}
	}
}

// fail records err, unless it is nil, about a part of the topology as a whole.
func (c *compiler) fail(part string, index int, id string, err error) {
	c.failItem(Error{Part: part, Index: index, ID: id, Item: -1, Err: err})
}

func (c *compiler) failItem(e Error) {
	if e.Err != nil {
		failed := e // of its own, or each call would put e on the heap
		c.errs = append(c.errs, &failed)
	}
}

// names gives numbers to groups, prefix lists and VPCs, to which the rest refers.
func (c *compiler) names() {
	for i := range c.t.PrefixLists {
		id := c.t.PrefixLists[i].ID
		c.fail(inLists, i, string(id), claim(c.w.listByID, id, uint32(i)))
	}
	for i := range c.t.Groups {
		id := c.t.Groups[i].ID
		c.fail(inGroups, i, string(id), claim(c.w.groupByID, id, uint32(i)))
	}
	peerings := map[PeeringID]bool{}
	for i := range c.t.Peerings {
		p := &c.t.Peerings[i]
		if err := claim(peerings, p.ID, true); err != nil {
			c.fail(inPeerings, i, string(p.ID), err)
			continue
		}
		c.w.reach.Peer(string(p.ID), string(p.Requester), string(p.Accepter), p.Active(), p.SameRegion())
	}
}

// gateways records which VPCs transit gateways connect.
func (c *compiler) gateways() {
	for _, g := range c.t.TransitGateways {
		n := c.w.reach.Gateway(g.Referencing)
		for _, a := range g.Attachments {
			c.w.reach.Attach(n, string(a.VPC), a.Referencing)
		}
	}
}

// claim enters an id, which must be set and must be new. It looks the id up once: that a
// duplicate replaces the first does no harm, since Compile fails.
func claim[K ~string, V any](m map[K]V, id K, v V) error {
	if id == "" {
		return errNoID
	}
	n := len(m)
	m[id] = v
	if len(m) == n {
		return errDuplicate
	}
	return nil
}
