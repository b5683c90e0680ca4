package load

import (
	"time"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/sg"
)

// Idle timeouts of instance types: describe-instance-types tells the defaults of each,
// which for established TCP are shorter on Nitro v6 (CT-30). EC2 API, NetworkInfo and
// DefaultConnectionTrackingConfiguration, read 2026-11.

func (b *builder) instanceTypes(c *cursor) {
	for name, item := range b.items(c, "InstanceType") {
		b.typeTimeouts[name] = item.field("NetworkInfo").field("ConnectionTrackingConfiguration").timeouts("Default")
	}
}

// timeouts reads idle timeouts, whose keys begin with prefix.
func (c *cursor) timeouts(prefix string) conntrack.Timeouts {
	seconds := func(key string) time.Duration {
		n, _ := c.field(prefix + key).integer()
		return time.Duration(n) * time.Second
	}
	return conntrack.Timeouts{TCPEstablished: seconds("TcpEstablishedTimeout"), UDP: seconds("UdpTimeout"), UDPStream: seconds("UdpStreamTimeout")}
}

// typeDefaults gives an interface those timeouts of its instance's type that are not
// its own.
func (b *builder) typeDefaults(e *sg.ENI) {
	defaults := b.typeTimeouts[b.typeOf[e.Instance]]
	setDefault(&e.Timeouts.TCPEstablished, defaults.TCPEstablished)
	setDefault(&e.Timeouts.UDP, defaults.UDP)
	setDefault(&e.Timeouts.UDPStream, defaults.UDPStream)
}
