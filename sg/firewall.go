package sg

import (
	"maps"
	"time"

	"github.com/sgsim/sgsim/conntrack"
)

// A Firewall judges packets by a policy and a connection table. Make one with
// [NewFirewall].
//
// A Firewall and its Enforcers are for one goroutine at a time; [Filter] is for
// several. Time comes from the caller and never runs backwards: a time before
// the latest one seen counts as that one.
//
// Its policy can be replaced as a whole with Swap, or changed in place one rule,
// membership or entry at a time. The first change in place copies whatever
// changes can reach, so the original Policy stays as it was.
type Firewall struct {
	opts   Options
	w      *world
	shared bool // w belongs to a Policy too
	table  *conntrack.Table

	fragments *conntrack.Table // verdicts of network ACLs about first fragments; nil unless later ones follow them

	enforcers []*Enforcer         // by ENI number
	owners    []*Enforcer         // the same behind a nil: by ENI number plus one
	byZone    []*Enforcer         // by zone; none is ever given out twice
	gone      map[ENIID]*Enforcer // of ENIs that an earlier policy had
	ahead     *ahead              // nil until packets come in batches
	inVPC     []uint32            // by VPC, for choose: an ENI there plus one; all 0 between calls
	tags      tags
}

// An Enforcer is one ENI of a [Firewall]. It stays valid when the policy is
// swapped; while the policy lacks its ENI, it drops everything with reason
// NoInterface. A nil Enforcer does the same.
type Enforcer struct {
	f    *Firewall
	eni  *eni // nil while the policy lacks it
	zone conntrack.Zone

	location // that of eni, so that packets do not wait for eniInfo
	id       ENIID
}

// A location is what a packet's path needs to know of an ENI.
type location struct {
	subnet uint32 // its number; 0 if not known, or without network ACLs
	addr4  uint32 // its first address of each family; 0 where it has none
	addr6  [16]byte
}

// NewFirewall returns a firewall without connections. Nil options are the
// defaults. It panics if Options.Profile is not a profile of package conntrack.
func NewFirewall(p *Policy, o *Options) *Firewall {
	f := &Firewall{w: p.world(), shared: true, gone: map[ENIID]*Enforcer{}}
	if o != nil {
		f.opts = *o
		f.opts.InstanceMax = maps.Clone(o.InstanceMax)
	}
	f.table = f.newTable()
	f.forgetFragments()
	f.assign(func(int) *Enforcer { return nil })
	f.configure(false)
	return f
}

// assign gives each ENI of the world the enforcer that it had, or a new one.
func (f *Firewall) assign(had func(i int) *Enforcer) {
	f.owners = make([]*Enforcer, len(f.w.enis)+1)
	f.enforcers = f.owners[1:]
	var first []Enforcer // all at once; those that come later one by one, since they may go one by one
	if len(f.byZone) == 0 {
		first, f.byZone = make([]Enforcer, len(f.w.enis)), make([]*Enforcer, 0, len(f.w.enis))
	}
	for i := range f.w.enis {
		n := &f.w.enis[i]
		e := had(i)
		if e == nil {
			if e = new(Enforcer); i < len(first) {
				e = &first[i]
			}
			*e = Enforcer{f: f, zone: conntrack.Zone(len(f.byZone)), id: n.id}
			f.byZone = append(f.byZone, e)
		}
		e.eni, e.location = n, n.location
		f.enforcers[i] = e
	}
}

func (f *Firewall) newTable() *conntrack.Table {
	t, err := conntrack.NewTable(conntrack.Config{
		Profile:    f.opts.Profile,
		Pickup:     f.opts.Midstream == MidstreamPickup,
		MaxEntries: max(f.opts.MaxConnections, 0),
	})
	if err != nil {
		panic(err)
	}
	return t
}

// forgetFragments clears what network ACLs remember of first fragments, if they do.
func (f *Firewall) forgetFragments() {
	if f.opts.ACLFragments == ACLFragmentsFirst {
		f.fragments, _ = conntrack.NewTable(conntrack.Config{}) // this Config gives no error
	}
}

// configure tells the table what the policy says about ENIs. The first time, only
// what differs from the table's defaults.
func (f *Firewall) configure(again bool) {
	byInstance := map[InstanceID][]conntrack.Zone{}
	var free, alone []conntrack.Zone
	for _, e := range f.enforcers {
		if e.eni.timeouts != (conntrack.Timeouts{}) || again {
			if err := f.table.SetTimeouts(e.zone, e.eni.timeouts); err != nil {
				panic(err) // Compile has checked them
			}
		}
		switch _, ok := f.opts.InstanceMax[e.eni.instance]; {
		case !ok:
			free = append(free, e.zone)
		case e.eni.instance == "":
			alone = append(alone, e.zone)
		default:
			byInstance[e.eni.instance] = append(byInstance[e.eni.instance], e.zone)
		}
	}
	if again && len(f.opts.InstanceMax) > 0 {
		f.table.Limit(0, free...) // an ENI may have left its instance
	}
	for id, zones := range byInstance {
		f.table.Limit(max(f.opts.InstanceMax[id], 0), zones...)
	}
	for _, z := range alone {
		f.table.Limit(max(f.opts.InstanceMax[""], 0), z)
	}
}

// ENI returns the enforcer of an ENI, nil if the policy does not have it.
func (f *Firewall) ENI(id ENIID) *Enforcer {
	n, ok := f.w.eniByID[id]
	if !ok {
		return nil
	}
	return f.enforcers[n]
}

// ID returns the enforcer's ENI, "" for a nil Enforcer.
func (e *Enforcer) ID() ENIID {
	if e == nil {
		return ""
	}
	return e.id
}

// Policy returns the policy as it stands after all changes.
func (f *Firewall) Policy() *Policy {
	f.shared = true
	return &Policy{f.w}
}

// Swap replaces the policy. Options.OnChange says which connections survive;
// those of ENIs that the new policy lacks do not. Enforcers stay valid.
func (f *Firewall) Swap(p *Policy, now time.Time) {
	old := f.enforcers
	oldByID := f.w.eniByID
	f.w, f.shared = p.world(), true
	for _, e := range old {
		if _, ok := f.w.eniByID[e.id]; !ok {
			e.eni = nil
			f.gone[e.id] = e
		}
	}
	f.assign(func(i int) *Enforcer {
		id := f.w.enis[i].id
		if n, ok := oldByID[id]; ok {
			return old[n]
		}
		e := f.gone[id]
		delete(f.gone, id)
		return e
	})
	f.configure(true)
	f.forgetFragments() // subnets have other numbers
	f.sweep(now, f.endedBy(everywhere))
}

// Clone returns an independent copy, connections included, for trying out what
// would happen from here. The observer is not told of the copy's decisions.
func (f *Firewall) Clone() *Firewall {
	c := *f
	f.shared = true
	c.shared = true
	c.opts.Observer = nil
	c.ahead, c.inVPC = nil, nil
	c.table = f.table.Clone()
	if f.fragments != nil {
		c.fragments = f.fragments.Clone()
	}
	c.tags = f.tags.clone()
	all := make([]Enforcer, len(f.byZone))
	c.byZone = make([]*Enforcer, len(all))
	for i, e := range f.byZone {
		all[i] = *e
		all[i].f = &c
		c.byZone[i] = &all[i]
	}
	c.assign(func(i int) *Enforcer { return c.byZone[f.enforcers[i].zone] })
	c.gone = make(map[ENIID]*Enforcer, len(f.gone))
	for id, e := range f.gone {
		c.gone[id] = c.byZone[e.zone]
	}
	return &c
}
