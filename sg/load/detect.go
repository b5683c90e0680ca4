package load

import "strings"

// A reader takes one kind of document apart. Readers run in the order of this
// list whatever the order of the files, so that rules keep the place they have in
// describe-security-groups, and entries find their list.
type reader struct {
	key   string // top-level key that tells the kind
	print string // command that prints it, for messages
	read  func(*builder, *cursor)
}

var readers = []reader{
	{"SecurityGroups", "aws ec2 describe-security-groups", (*builder).securityGroups},
	{"SecurityGroupRules", "aws ec2 describe-security-group-rules", (*builder).securityGroupRules},
	{"SecurityGroupVpcAssociations", "aws ec2 describe-security-group-vpc-associations", (*builder).associations},
	{"PrefixLists", "aws ec2 describe-managed-prefix-lists", (*builder).prefixLists},
	{"Entries", "aws ec2 get-managed-prefix-list-entries", (*builder).prefixListEntries},
	{"NetworkInterfaces", "aws ec2 describe-network-interfaces", (*builder).networkInterfaces},
	{"Vpcs", "aws ec2 describe-vpcs", (*builder).vpcsOf},
	{"Subnets", "aws ec2 describe-subnets", (*builder).subnets},
	{"VpcPeeringConnections", "aws ec2 describe-vpc-peering-connections", (*builder).peeringConnections},
	{"NetworkAcls", "aws ec2 describe-network-acls", unmodelled("network ACLs are not simulated")},
	{"StaleSecurityGroupSet", "aws ec2 describe-stale-security-groups", unmodelled("stale rules are found from the groups themselves")},
	{"SecurityGroupReferenceSet", "aws ec2 describe-security-group-references", unmodelled("references are found from the groups themselves")},
	{"Reservations", "aws ec2 describe-instances", unmodelled("addresses and groups of instances come from describe-network-interfaces")},
}

func unmodelled(why string) func(*builder, *cursor) {
	return func(_ *builder, c *cursor) { c.warn("", "left out: %s", why) }
}

// understood reports whether any reader takes the document, and says what it may
// be where none does.
func (b *builder) understood(root *cursor) bool {
	if root.v.kind != object {
		root.fail("", "the document is %v, want an object: give whole outputs, not what --query leaves of them", root.v.kind)
		return false
	}
	for _, r := range readers {
		if root.v.get(r.key) != nil {
			return true
		}
	}
	has := func(key string) bool { return root.v.get(key) != nil }
	switch {
	case has("lineage") && has("serial"):
		root.fail("", "a raw Terraform state: give the output of `terraform show -json`")
	case has("@level") || has("@message"):
		root.fail("", "Terraform's log of a run: save the plan with -out and give the output of `terraform show -json` of it")
	default:
		var known []string
		for _, r := range readers[:9] {
			known = append(known, r.key)
		}
		root.fail("", "no top-level key that is known: neither `terraform show -json` nor one of %s", strings.Join(known, ", "))
	}
	return false
}
