package diff

import (
	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

// Clients send from ephemeral ports, to which answers go (NACL-66).
const firstClientPort = 1024

// An exchange is a span of services and the services of the answers on their
// connections: any of these, or for each service the one at the same place in its
// span.
type exchange struct {
	opening, answer span
	each            bool
}

// exchanges are the exchanges of each family.
var exchanges = [2][]exchange{exchangesOf(0), exchangesOf(1)}

func exchangesOf(f int) (all []exchange) {
	for n := uint32(0); n < spaces[f].Size(); {
		p, first, end := spaces[f].Protocol(n)
		n = end
		switch last := len(all) - 1; {
		case p == packet.TCP || p == packet.UDP:
			all = append(all, exchange{opening: spanOf(first, end), answer: spanOf(first+firstClientPort, end)})
		case p == packet.ICMP && f == 0, p == packet.ICMPv6 && f == 1:
			codes := func(typ uint8) span { return spanOf(first+uint32(typ)<<8, first+uint32(typ)<<8+256) }
			for typ := range uint8(255) { // no type has the last number
				if reply, ok := packet.ReplyType(p, typ); ok && packet.IsQuery(p, typ) { // CTS-31
					all = append(all, exchange{codes(typ), codes(reply), true})
				}
			}
		case p == packet.ICMP || p == packet.ICMPv6: // in the other family, where nothing answers
		case last >= 0 && all[last].each && all[last].answer.last.next() == num{0, uint64(first)}:
			all[last].opening.last, all[last].answer.last = num{0, uint64(first)}, num{0, uint64(first)}
		default:
			all = append(all, exchange{spanOf(first, end), spanOf(first, end), true})
		}
	}
	return all
}

// answers finds the answers that ACLs let pass in only one world, in one direction,
// on connections that open in both worlds in the other direction.
func (c *comparer) answers(cl *class, dir, fam int, found func(found)) {
	x := &differences{c: c, cl: cl, dir: dir, fam: fam, answers: true, free: cl.free(fam), budget: &cl.left}
	for _, e := range cl.acls.parts[dir][fam].changed {
		addrs := c.names.all[e.peers]
		for _, l := range [...]*list{cl.before[0], cl.after[0]} {
			addrs = addrs.minus(l.free[fam]) // no ACL is asked there
		}
		for _, ex := range exchanges[fam] {
			services := set{e.services()}.and(set{ex.answer})
			if len(services) == 0 || len(addrs) == 0 || !x.spend(1) {
				continue
			}
			first, end := uint32(services[0].first.lo), uint32(services[0].last.lo)+1
			shift := uint32(ex.answer.first.lo - ex.opening.first.lo)
			if ex.each {
				ex.opening = spanOf(first-shift, end-shift)
			}
			o := &differences{c: c, cl: cl, dir: 1 - dir, fam: fam, focus: focus{services: set{ex.opening}, addrs: addrs}, budget: x.budget}
			left, g := addrs, o.grid()
			for from, to := range g.rows {
				open := g.addrs()[1][1].and(left)
				if ex.each {
					x.answered(from+shift, to+shift, open)
				} else {
					x.answered(first, end, open)
					if left = left.minus(open); len(left) == 0 {
						break
					}
				}
			}
		}
	}
	x.boxes(found)
}

// answered enters rows for answers to some addresses.
func (x *differences) answered(first, end uint32, to set) {
	before, _ := x.cl.borders[0].split(x.dir, x.fam, first, to)
	after, _ := x.cl.borders[1].split(x.dir, x.fam, first, to)
	for _, r := range [...]row{
		{first, end, [2]sg.Verdict{sg.Accept, sg.Drop}, before.minus(after)},
		{first, end, [2]sg.Verdict{sg.Drop, sg.Accept}, after.minus(before)},
	} {
		if len(r.addrs) > 0 {
			r.addrs = r.addrs.filled(x.free)
			x.rows = append(x.rows, r)
		}
	}
}
