package conntrack

import "time"

// Timeouts are the idle timeouts that AWS lets its users set for an ENI. A zero
// field means the default of the profile. Bounds: EC2 API,
// ConnectionTrackingSpecificationRequest (CTS-64).
type Timeouts struct {
	TCPEstablished time.Duration // 60 to 432,000 s
	UDP            time.Duration // 30 to 60 s
	UDPStream      time.Duration // 60 to 180 s
}
