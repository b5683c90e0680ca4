package sg

import (
	"time"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg/internal/enum"
)

// Options say how a [Firewall] behaves where AWS documents nothing or users want
// something else. The zero Options follow what AWS documents.
type Options struct {
	// Profile is that of the connection table. The Linux profile is for testing a
	// plain stateful filter: it has no untracked flows and drops packets that do
	// not fit their connection.
	Profile conntrack.Profile

	// Midstream says what happens to a TCP segment that belongs to no
	// connection and opens none (CT-40, CT-41).
	Midstream Midstream

	// RelatedICMP admits ICMP errors that quote a tracked connection. Without
	// it they need a rule, as AWS says since 2022 (CT-51, CT-52).
	RelatedICMP bool

	// FilterExempt also applies the rules to traffic that security groups never
	// filter: DNS, DHCP, metadata, time, routers, neighbour discovery (EX-01).
	FilterExempt bool

	// ACLFragments says how network ACLs judge later fragments (NACL-49).
	ACLFragments ACLFragments

	// MaxConnections is the most tracked connections of the whole firewall,
	// InstanceMax that of all ENIs of one instance together (CT-63). Zero means
	// no maximum; AWS publishes none (CT-64). InstanceMax[""] holds for each ENI
	// without an instance, separately.
	MaxConnections int
	InstanceMax    map[InstanceID]int

	// OnChange says what a change of rules or groups does to connections.
	OnChange OnChange

	// Observer is told of every decision; nil means none is.
	Observer Observer
}

// Midstream says what happens to TCP segments without a connection. The zero
// Midstream is MidstreamDrop.
type Midstream uint8

const (
	MidstreamDrop   Midstream = iota // "drop": only a SYN opens a connection
	MidstreamPass                    // "pass": rules judge each segment, nothing is remembered
	MidstreamPickup                  // "pickup": a segment with ACK that a rule admits opens an established connection (CTS-13)
)

// OnChange says what a change of rules, groups, prefix lists or the whole policy
// does to live connections. The zero OnChange is ChangeAWS.
//
// None of them affects a datagram in transit. Its later fragments follow the
// verdict of the first one, for 30 s and over IPv6 60 s, even if the change ended
// their connection (CTS-43).
type OnChange uint8

const (
	// ChangeAWS: tracked connections survive, except TCP and UDP ones whose flow
	// is of the untracked class from now on (CT-20, CT-23, CT-25).
	ChangeAWS OnChange = iota

	// ChangeKeep: all connections survive.
	ChangeKeep

	// ChangeRevalidate: connections that the rules would still admit survive.
	ChangeRevalidate

	// ChangeFlush: no connection of an ENI that the change touches survives.
	ChangeFlush
)

var (
	midstreamText = [...]string{"drop", "pass", "pickup"}
	fragmentsText = [...]string{"l3", "first", "pass"}
	onChangeText  = [...]string{"aws", "keep", "revalidate", "flush"}
)

// String returns "drop", "pass" or "pickup".
func (m Midstream) String() string { return enum.Text(midstreamText[:], "Midstream", m) }

// String returns "l3", "first" or "pass".
func (a ACLFragments) String() string { return enum.Text(fragmentsText[:], "ACLFragments", a) }

// String returns "aws", "keep", "revalidate" or "flush".
func (c OnChange) String() string { return enum.Text(onChangeText[:], "OnChange", c) }

// MarshalText returns the text form.
func (m Midstream) MarshalText() ([]byte, error) { return enum.Marshal(midstreamText[:], m) }

// MarshalText returns the text form.
func (a ACLFragments) MarshalText() ([]byte, error) { return enum.Marshal(fragmentsText[:], a) }

// UnmarshalText reads the text form.
func (a *ACLFragments) UnmarshalText(b []byte) error { return enum.Unmarshal(fragmentsText[:], b, a) }

// MarshalText returns the text form.
func (c OnChange) MarshalText() ([]byte, error) { return enum.Marshal(onChangeText[:], c) }

// UnmarshalText reads the text form.
func (m *Midstream) UnmarshalText(b []byte) error { return enum.Unmarshal(midstreamText[:], b, m) }

// UnmarshalText reads the text form.
func (c *OnChange) UnmarshalText(b []byte) error { return enum.Unmarshal(onChangeText[:], b, c) }

// An Observer is told of every decision of an ENI, but not of those of network ACLs, in
// order and before the caller gets the decision.
type Observer interface {
	Observe(Event)
}

// An Event is one decision of one ENI.
type Event struct {
	Enforcer  *Enforcer
	Direction Direction
	Header    packet.Header
	Time      time.Time // as the caller gave it, in UTC
	Decision  Decision
}
