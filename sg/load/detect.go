package load

import (
	"slices"
	"strings"

	"github.com/sgsim/sgsim/sg/internal/jsontree"
)

// A reader takes one kind of document apart. Readers run in the order of this
// list whatever the order of the files: what a plan decides stands before others
// speak of it, rules keep the place they have in describe-security-groups, and
// entries find their list.
type reader struct {
	key  string // top-level key that tells the kind
	read func(*builder, *cursor)
}

const (
	terraformKey = "format_version"
	stateKey     = "lineage" // of a raw state
)

var readers = []reader{
	{terraformKey, (*builder).plan},
	{"SecurityGroups", (*builder).securityGroups},
	{"SecurityGroupRules", (*builder).securityGroupRules},
	{terraformKey, (*builder).state},
	{stateKey, (*builder).rawState},
	{"NetworkInterfaces", (*builder).networkInterfaces},
	{"Reservations", (*builder).reservations},
	{"SecurityGroupVpcAssociations", (*builder).associations},
	{"PrefixLists", (*builder).prefixLists},
	{"Entries", (*builder).prefixListEntries},
	{"Vpcs", (*builder).vpcsOf},
	{"Subnets", (*builder).subnets},
	{"VpcPeeringConnections", (*builder).peeringConnections},
	{"NetworkAcls", (*builder).networkACLs},
	{"TransitGateways", (*builder).transitGateways},
	{"TransitGatewayVpcAttachments", (*builder).gatewayAttachments},
	{"InstanceTypes", (*builder).instanceTypes},
}

// Of the readers, the first one reads plans, and those up to the associations read what
// may contradict: rules and interfaces.
var contradicting = slices.IndexFunc(readers, func(r reader) bool { return r.key == "SecurityGroupVpcAssociations" })

// unmodelled are outputs that are known and of no use, and why.
var unmodelled = map[string]string{
	"StaleSecurityGroupSet":     "stale rules are found from the groups themselves",
	"SecurityGroupReferenceSet": "references are found from the groups themselves",
}

const (
	giveNewer    = "give the newer of the two, or prefer one (-prefer FILE)"
	giveListings = "give the output of `aws ec2 describe-security-groups` and `aws ec2 describe-network-interfaces`"
	giveShow     = "give the output of `terraform show -json`"
)

// foreign are other documents that people have, by their top-level keys.
var foreign = []struct {
	keys []string
	what string
	give string
}{
	{[]string{"AWSTemplateFormatVersion", "Resources"}, "a CloudFormation template, which says what is to be made", giveListings + " once it is deployed"},
	{[]string{"artifacts", "tree"}, "an assembly of the CDK, which says what is to be made", giveListings + " once it is deployed"},
	{[]string{"configurationItems", "configurationItem", "baseConfigurationItems", "configuration"}, "items of AWS Config", giveListings},
	{[]string{"QueryInfo", "Results"}, "results of an AWS Config query", giveListings},
	{[]string{"LoadBalancers", "LoadBalancerDescriptions", "TargetGroups"}, "of Elastic Load Balancing, which does not tell rules and interfaces", giveListings},
	{[]string{"DBInstances", "DBClusters", "DBSecurityGroups", "DBProxies"}, "of RDS, which does not tell rules and interfaces", giveListings},
	{[]string{"CacheClusters", "ReplicationGroups", "CacheSecurityGroups"}, "of ElastiCache, which does not tell rules and interfaces", giveListings},
	{[]string{"Functions", "Clusters", "clusters", "services", "ClusterInfoList", "MountTargets", "FileSystems", "VpcEndpoints", "LaunchTemplateVersions", "AutoScalingGroups"},
		"of a service that does not tell rules and interfaces", giveListings},
	{[]string{"FlowLogs"}, "a list of flow logs", giveListings},
	{[]string{"Instances", "Groups", "NetworkInterface"}, "about one instance or interface", "give the output of `aws ec2 describe-instances` or `aws ec2 describe-network-interfaces`"},
	{[]string{"GroupId", "IpPermissions", "Return"}, "about one group", "give the whole output of `aws ec2 describe-security-groups`"},
	{[]string{"@level", "@message"}, "Terraform's log of a run", "save the plan with -out and " + giveShow + " of it"},
	{[]string{"resource_changes", "planned_values", "values", "root_module"}, "a part of what Terraform prints", giveShow},
	{[]string{"terraform_version"}, "a Terraform state of an old version, or a part of one", giveShow},
}

// documents returns those under a node: itself, or those of a list of pages.
func documents(src *source, n uint32) []*cursor {
	root := &cursor{src: src, n: n}
	var pages []*cursor
	if root.is(list) {
		for item := range root.each() {
			if isKnown(item) {
				pages = append(pages, item)
			}
			if len(pages) > jsontree.MaxDocs { // no list of pages
				pages = nil
				break
			}
		}
	}
	if len(pages) > 0 {
		return pages
	}
	return []*cursor{root}
}

func isKnown(root *cursor) bool {
	return slices.ContainsFunc(readers, func(r reader) bool { return root.has(r.key) })
}

// understood reports whether any reader takes the document, and says what it may
// be where none does.
func (b *builder) understood(root *cursor) bool {
	if !root.is(object) {
		root.fail("", "the document is %v, want an object: give whole outputs, not what --query leaves of them", root.src.Kind(root.n))
		return false
	}
	if isKnown(root) {
		return true
	}
	known := false
	for member := range root.members() {
		if why := unmodelled[member.key]; why != "" {
			member.warn("", "left out: %s", why)
			known = true
		}
	}
	if known {
		return true
	}
	for _, f := range foreign {
		if i := slices.IndexFunc(f.keys, root.has); i >= 0 {
			root.field(f.keys[i]).fail("", "%s: %s", f.what, f.give)
			return false
		}
	}
	var keys []string
	for _, r := range readers {
		if r.key != terraformKey && r.key != stateKey {
			keys = append(keys, r.key)
		}
	}
	root.fail("", "no top-level key that is known: neither of `terraform show -json` nor one of %s", strings.Join(keys, ", "))
	return false
}
