package load

import "strings"

// A reader takes one kind of document apart. Readers run in the order of this
// list whatever the order of the files, so that rules keep the place they have in
// describe-security-groups, and entries find their list.
type reader struct {
	key  string // top-level key that tells the kind
	read func(*builder, *cursor)
}

const terraformKey = "format_version"

var readers = []reader{
	{"SecurityGroups", (*builder).securityGroups},
	{"SecurityGroupRules", (*builder).securityGroupRules},
	{terraformKey, (*builder).terraform},
	{"SecurityGroupVpcAssociations", (*builder).associations},
	{"PrefixLists", (*builder).prefixLists},
	{"Entries", (*builder).prefixListEntries},
	{"NetworkInterfaces", (*builder).networkInterfaces},
	{"Vpcs", (*builder).vpcsOf},
	{"Subnets", (*builder).subnets},
	{"VpcPeeringConnections", (*builder).peeringConnections},
}

// unmodelled are outputs that are known and of no use, and why.
var unmodelled = map[string]string{
	"NetworkAcls":               "network ACLs are not simulated",
	"StaleSecurityGroupSet":     "stale rules are found from the groups themselves",
	"SecurityGroupReferenceSet": "references are found from the groups themselves",
	"Reservations":              "addresses and groups of instances come from describe-network-interfaces",
}

// understood reports whether any reader takes the document, and says what it may
// be where none does.
func (b *builder) understood(root *cursor) bool {
	if !root.is(object) {
		root.fail("", "the document is %v, want an object: give whole outputs, not what --query leaves of them", root.src.kind(root.n))
		return false
	}
	known := false
	for _, r := range readers {
		known = known || root.has(r.key)
	}
	for member := range root.members() {
		if why := unmodelled[member.key]; why != "" && !known {
			member.warn("", "left out: %s", why)
			known = true
		}
	}
	if known {
		return true
	}
	switch {
	case root.has("lineage") && root.has("serial"):
		root.fail("", "a raw Terraform state: give the output of `terraform show -json`")
	case root.has("@level") || root.has("@message"):
		root.fail("", "Terraform's log of a run: save the plan with -out and give the output of `terraform show -json` of it")
	default:
		var keys []string
		for _, r := range readers {
			if r.key != terraformKey {
				keys = append(keys, r.key)
			}
		}
		root.fail("", "no top-level key that is known: neither of `terraform show -json` nor one of %s", strings.Join(keys, ", "))
	}
	return false
}
