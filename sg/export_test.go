package sg

import "github.com/sgsim/sgsim/packet"

// Matcher returns what names the rule that admits a packet at an ENI, without a search
// for the ENI.
func (p *Policy) Matcher(id ENIID) func(dir Direction, h *packet.Header) RuleRef {
	w := p.world()
	n := &w.enis[w.eniByID[id]]
	return func(dir Direction, h *packet.Header) RuleRef { return RuleRef{w.match(n, dir, h, Via{}).rule} }
}
