// Package sg decides what AWS security groups do with a packet.
//
// A [Topology] is what the user writes or a loader reads: groups with their
// rules, prefix lists, and the ENIs that carry the groups. [Compile] turns it
// into a [Policy], which never changes. A [Firewall] judges packets by a policy
// and a connection table:
//
//	policy, err := sg.Compile(topology)
//	if err != nil {
//		return err // all bad rules at once
//	}
//	firewall := sg.NewFirewall(policy, nil)
//	outcome := firewall.Forward(sg.Packet{Header: &header, Time: now})
//
// [Firewall.Forward] takes a [Packet] from the sending ENI to the receiving one, and
// [Firewall.ForwardBatch] takes many at once. [Enforcer.Evaluate] asks only one ENI,
// [Policy.Match] only the rules. A [Filter] takes raw frames and may be called from
// several goroutines.
//
// [NetworkACL]s judge at the borders of subnets, in addition to the groups:
// [Firewall.Forward] asks them, [Enforcer.Evaluate] does not.
//
// Every [Decision] says why: the rule that admitted the packet, the connection
// it belongs to, or what was missing. [Firewall.Explain] and [Enforcer.Explain] say
// the same at length, name the rules that came nearest, and change nothing.
//
// While packets flow, rules, memberships and entries of prefix lists change one at a
// time ([Firewall.Authorize], [Firewall.Attach], [Firewall.AddEntry]) or all together
// ([Firewall.Swap]). [Options] say what happens to connections then, and how the
// firewall behaves where AWS documents nothing. [Firewall.Clone] copies a firewall to
// try out what would happen.
//
// Numbers such as CT-25 in the documentation refer to the statements listed in
// STATEMENTS.md beside this package, each with its source.
package sg

import (
	"net/netip"
	"slices"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/packet"
)

// Identifiers, as AWS writes them. The simulator compares them and never parses
// them, so any non-empty string serves in a test.
type (
	GroupID      string // "sg-0123456789abcdef0"
	RuleID       string // "sgr-0123456789abcdef0"
	PrefixListID string // "pl-0123456789abcdef0"
	ENIID        string // "eni-0123456789abcdef0"
	VPCID        string // "vpc-0123456789abcdef0"
	SubnetID     string // "subnet-0123456789abcdef0"
	InstanceID   string // "i-0123456789abcdef0"
	PeeringID    string // "pcx-0123456789abcdef0"
	NetworkACLID string // "acl-0123456789abcdef0"
	AccountID    string // "123456789012"
)

// A Topology is everything that decides about packets. It is plain data: fill it
// by hand or with package load, change it, and compile it again. The zero
// Topology is valid and has no ENIs.
//
// The order of groups and rules has no effect on verdicts. If several rules admit
// a packet, the first in this order is named.
type Topology struct {
	Groups      []Group
	PrefixLists []PrefixList
	ENIs        []ENI
	VPCs        []VPC     // needed only for exempt addresses, peering and network ACLs
	Peerings    []Peering // between VPCs of the topology or others

	// TransitGateways say whether rules can name groups behind them (REF-11).
	// Without any, that is unknown for VPCs that no peering connects.
	TransitGateways []TransitGateway

	// NetworkACLs judge at the borders of subnets. If there are none, nothing is judged
	// there.
	NetworkACLs []NetworkACL
}

// A Group is a security group. Rules only ever allow (SG-02); a group without
// rules for a direction admits nothing new there (SG-07).
type Group struct {
	ID          GroupID
	Name        string
	Description string
	VPC         VPCID     // empty: rules in every VPC reach its members in all VPCs
	Account     AccountID // owner; empty: the same as that of all others
	Ingress     []Rule
	Egress      []Rule

	// Associations are further VPCs whose ENIs may carry the group (REF-18). They
	// mean nothing if VPC is empty.
	Associations []VPCID

	// Incomplete: some rules are, or may be, missing here. If the known ones do not
	// admit a packet, verdicts at ENIs that carry the group are unknown.
	Incomplete bool
}

// A PrefixList is a list of CIDRs of one family that rules name as their peer
// (PL-01, PL-02).
type PrefixList struct {
	ID         PrefixListID
	Name       string
	Family     packet.Family // zero: the family of the entries
	Entries    []PrefixListEntry
	MaxEntries int       // counts against the rule quota for a rule that names a customer's list (PL-06)
	Owner      AccountID // "AWS" for AWS-managed lists, which count their weight (PL-07)
	Incomplete bool      // some entries are, or may be, missing here
}

// A PrefixListEntry is one CIDR of a prefix list. Host bits are cleared.
type PrefixListEntry struct {
	CIDR        netip.Prefix
	Description string
}

// An ENI is an elastic network interface: the place where rules are enforced.
type ENI struct {
	ID   ENIID
	Name string // for people; not compared

	// Addrs are the private addresses of both families, the primary one first.
	// Prefixes are delegated to the ENI and count as its addresses (REF-03).
	Addrs    []netip.Addr
	Prefixes []netip.Prefix

	// Public addresses are translated before rules see the packet, so a rule that
	// names a group never matches them (REF-02).
	Public []netip.Addr

	// Groups are those that the ENI carries; all their rules form one set (SG-03). If
	// the topology lacks one of them, packets that the others do not admit have an
	// unknown verdict; rules that name it match the ENI all the same. An ENI without
	// groups admits nothing, unless it is RequesterManaged or of a type to which AWS
	// attaches none: NAT gateways, transit gateway attachments, Gateway Load Balancers
	// and their endpoints, and Network Load Balancers.
	Groups           []GroupID
	RequesterManaged bool // an AWS service created it

	// NoSourceDestCheck: the ENI passes on packets that are neither from nor to it,
	// as routers and NAT instances do. Other ENIs drop these, whatever their groups.
	NoSourceDestCheck bool

	VPC      VPCID
	Subnet   SubnetID
	Instance InstanceID
	Account  AccountID

	// Type is the InterfaceType as AWS reports it; empty is "interface" (IN-09).
	// Connections of "lambda", "network_load_balancer", "natGateway", "nat_gateway",
	// "vpc_endpoint" and "global_accelerator_managed" are tracked whatever the rules
	// are (CT-14), at their other ends in the same VPC too; for connections of other
	// interfaces through one of these, see [Via].
	Type string

	// Timeouts are the ENI's idle timeouts; zero fields mean the defaults of
	// its Nitro generation (CT-30 to CT-32).
	Timeouts conntrack.Timeouts

	// NitroV6 lowers the default for established TCP from 432,000 to 350 s.
	NitroV6 bool
}

// groupless are the types of interfaces to which AWS attaches no group, so that nothing
// is filtered there; a Network Load Balancer may have been created with one. VPC,
// Transit Gateway and Elastic Load Balancing guides, read 2026-11.
var groupless = []string{
	"natGateway", "nat_gateway", "regional_nat_gateway", "transit_gateway",
	"gateway_load_balancer", "gateway_load_balancer_endpoint", "network_load_balancer",
}

// keepsClients are the types of interfaces through which packets may come with the
// addresses of their clients.
var keepsClients = []string{"network_load_balancer", "ec2_instance_connect_endpoint"}

// MayLackGroups reports whether AWS attaches no group to such an ENI, or may attach
// none, so that nothing is filtered there if it carries none.
func (e *ENI) MayLackGroups() bool {
	return e.RequesterManaged || slices.Contains(groupless, e.Type)
}

// A VPC tells which addresses security groups never filter: its resolver and its
// routers (EX-02, EX-07).
type VPC struct {
	ID      VPCID
	CIDRs   []netip.Prefix // the primary IPv4 block first
	Subnets []Subnet
	Account AccountID
	Default bool
}

// A Subnet is a part of a VPC; its base address plus one is a router (EX-07).
type Subnet struct {
	ID    SubnetID
	CIDRs []netip.Prefix
}

// A Peering connects two VPCs, so that rules of one may name groups of the other
// while it is active and within a Region (REF-08, REF-13).
type Peering struct {
	ID                  PeeringID
	Requester, Accepter VPCID
	Status              string // "active", "deleted", ... (IN-15); empty is "active"

	// RequesterRegion and AccepterRegion are the Regions of the VPCs. If both are
	// set and differ, the VPCs are connected, but no rule of one reaches groups of
	// the other (REF-10).
	RequesterRegion, AccepterRegion string
}

// A TransitGateway connects VPCs. Ingress rules of one may name groups of another where
// the gateway and both attachments have security group referencing on (REF-11).
type TransitGateway struct {
	ID          string
	Referencing string // "enable" or "disable"; empty if not known
	Attachments []TransitGatewayAttachment
}

// A TransitGatewayAttachment attaches a VPC.
type TransitGatewayAttachment struct {
	VPC         VPCID
	Referencing string // as of the gateway
}

// Active reports whether the peering is in force.
func (p *Peering) Active() bool { return p.Status == "" || p.Status == "active" }

// SameRegion reports whether the VPCs may be in one Region: it is false only if both
// Regions are set and differ.
func (p *Peering) SameRegion() bool {
	return p.RequesterRegion == "" || p.AccepterRegion == "" || p.RequesterRegion == p.AccepterRegion
}
