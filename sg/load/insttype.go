package load

import (
	"cmp"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/sg"
)

// Idle timeouts of instance types: describe-instance-types tells the defaults of each,
// which for established TCP are shorter on Nitro v6 (CT-30). EC2 API, NetworkInfo and
// DefaultConnectionTrackingConfiguration, read 2026-11.

func (b *builder) instanceTypes(c *cursor) {
	for item := range c.objects() {
		if name, ok := item.field("InstanceType").need(); ok {
			defaults := item.field("NetworkInfo").field("ConnectionTrackingConfiguration")
			b.typeTimeouts[name] = conntrack.Timeouts{
				TCPEstablished: defaults.field("DefaultTcpEstablishedTimeout").seconds(),
				UDP:            defaults.field("DefaultUdpTimeout").seconds(),
				UDPStream:      defaults.field("DefaultUdpStreamTimeout").seconds(),
			}
		}
	}
}

// typeDefaults gives an interface those timeouts of its instance's type that are not
// its own.
func (b *builder) typeDefaults(e *sg.ENI) {
	defaults, known := b.typeTimeouts[b.typeOf[e.Instance]]
	if !known {
		return
	}
	t := &e.Timeouts
	t.TCPEstablished = cmp.Or(t.TCPEstablished, defaults.TCPEstablished)
	t.UDP = cmp.Or(t.UDP, defaults.UDP)
	t.UDPStream = cmp.Or(t.UDPStream, defaults.UDPStream)
}
