package load

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/sgsim/sgsim/sg/internal/jsontree"
)

// A reader reads one kind of document. Readers run in the order of this list, whatever
// the order of the files. So a plan decides before other inputs are read, rules keep
// their place in describe-security-groups, and entries find their list. In each phase,
// preferred inputs come first.
type reader struct {
	phase phase
	key   string // top-level key that tells the kind
	read  func(*builder, *cursor)
}

type phase int

const (
	readPlans         phase = iota
	readContradicting       // rules and interfaces, which may contradict each other, after preferred texts
	readOthers
	readTexts
	readNothing // of known outputs that are of no use here
)

const (
	terraformKey = "format_version"
	stateKey     = "lineage" // of a raw state
)

var readers = []reader{
	{readPlans, terraformKey, func(b *builder, c *cursor) { b.terraform(c, true) }},
	{readContradicting, "SecurityGroups", (*builder).securityGroups},
	{readContradicting, "SecurityGroupRules", (*builder).securityGroupRules},
	{readContradicting, terraformKey, func(b *builder, c *cursor) { b.terraform(c, false) }},
	{readContradicting, stateKey, (*builder).rawState},
	{readContradicting, "NetworkInterfaces", (*builder).networkInterfaces},
	{readContradicting, "Reservations", (*builder).reservations},
	{readOthers, "SecurityGroupVpcAssociations", (*builder).associations},
	{readOthers, "PrefixLists", (*builder).prefixLists},
	{readOthers, "Entries", (*builder).prefixListEntries},
	{readOthers, "Vpcs", (*builder).vpcsOf},
	{readOthers, "Subnets", (*builder).subnets},
	{readOthers, "VpcPeeringConnections", (*builder).peeringConnections},
	{readOthers, "NetworkAcls", (*builder).networkACLs},
	{readOthers, "TransitGateways", (*builder).transitGateways},
	{readOthers, "TransitGatewayVpcAttachments", (*builder).gatewayAttachments},
	{readOthers, "InstanceTypes", (*builder).instanceTypes},
	{readNothing, "StaleSecurityGroupSet", leftOut("stale rules are found from the groups themselves")},
	{readNothing, "SecurityGroupReferenceSet", leftOut("references are found from the groups themselves")},
}

func leftOut(why string) func(*builder, *cursor) {
	return func(_ *builder, c *cursor) { c.warn("", "left out: %s", why) }
}

const (
	giveNewer    = "give the newer of the two, or prefer one (-prefer FILE)"
	giveListings = "give the output of `aws ec2 describe-security-groups` and `aws ec2 describe-network-interfaces`"
	giveShow     = "give the output of `terraform show -json`"
)

// foreign are other documents that people may pass in, by their top-level keys.
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
	{[]string{"TransitGatewayAttachments"}, "attachments of all kinds, without what they say about groups", "give the output of `aws ec2 describe-transit-gateway-vpc-attachments`"},
	{[]string{"NatGateways", "RouteTables", "InternetGateways", "EgressOnlyInternetGateways", "Addresses", "DhcpOptions", "InstanceConnectEndpoints", "SecurityGroupForVpcs"},
		"of EC2, but without rules and interfaces", giveListings},
	{[]string{"FlowLogs"}, "a list of flow logs", giveListings},
	{[]string{"Instances", "Groups", "NetworkInterface"}, "about one instance or interface", "give the output of `aws ec2 describe-instances` or `aws ec2 describe-network-interfaces`"},
	{[]string{"GroupId", "IpPermissions", "Return"}, "about one group", "give the whole output of `aws ec2 describe-security-groups`"},
	{[]string{"resource", "provider", "locals"}, "Terraform's configuration (JSON)", "run `terraform plan -out=plan.bin` and give the output of `terraform show -json plan.bin`"},
	{[]string{"deployment"}, "a stack of Pulumi", giveListings + " once it is deployed"},
	{[]string{"@level", "@message"}, "Terraform's log of a run", "save the plan with -out and " + giveShow + " of it"},
	{[]string{"resource_changes", "planned_values", "values", "root_module"}, "a part of what Terraform prints", giveShow},
	{[]string{"terraform_version"}, "a Terraform state of an old version, or a part of one", giveShow},
}

// documents returns the documents under a node: the node itself, or a list of pages.
func documents(src *source, n uint32) []*cursor {
	root := &cursor{src: src, n: n}
	var pages []*cursor
	if root.is(list) {
		for item := range root.each() {
			if isKnown(item) {
				pages = append(pages, item)
			}
			if len(pages) > jsontree.MaxDocs { // not a list of pages
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

// understood reports whether any reader takes the document. If none does, it says
// what the document may be.
func (b *builder) understood(root *cursor) bool {
	if !root.is(object) {
		root.fail("", "the document is %v, want an object: give whole outputs, not what --query leaves of them", root.src.Kind(root.n))
		return false
	}
	if isKnown(root) {
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
		if r.key != terraformKey && r.key != stateKey && r.phase != readNothing {
			keys = append(keys, r.key)
		}
	}
	root.fail("", "no known top-level key: neither one of `terraform show -json` nor one of %s", strings.Join(keys, ", "))
	return false
}

// Files that are neither JSON nor YAML and that people may pass in, by how they begin.
var notJSON = []struct {
	start *regexp.Regexp
	what  string
}{
	{regexp.MustCompile(`^PK[\x01-\x08]`), "a saved Terraform plan (zip): give the output of `terraform show -json FILE`"},
	{regexp.MustCompile(`^\s*(#[^\n]*\n\s*|//[^\n]*\n\s*)*(resource|data|module|variable|provider|terraform|locals|output|import|moved|removed|check)\s*("[^"\n]*"\s*)*\{`),
		"Terraform's configuration (HCL): run `terraform plan -out=plan.bin` and give the output of `terraform show -json plan.bin`"},
	{regexp.MustCompile(`^(version |\d+ (\d{12}|unknown|-) eni-)`), "records of a flow log, not a topology: `sgsim replay` reads them as it reads captures; here " + giveListings},
	{regexp.MustCompile(`^\s*An error occurred|^\s*aws: error`), "an error of the AWS CLI, which printed nothing else"},
	{regexp.MustCompile(`(?s)^.{0,400}(Terraform used the selected|Terraform will perform|Refreshing state)`), "what `terraform plan` prints for people: save the plan with -out and " + giveShow + " of it"},
	{regexp.MustCompile(`^\s*-{20}|^[A-Z]+\t`), "a table or text of the AWS CLI: print it with --output json"},
	{regexp.MustCompile(`^\s*<`), "XML: print it with the AWS CLI and --output json"},
}

// captureMagic is how pcap and pcapng files begin.
var captureMagic = []string{"\xd4\xc3\xb2\xa1", "\xa1\xb2\xc3\xd4", "\x4d\x3c\xb2\xa1", "\xa1\xb2\x3c\x4d", "\x0a\x0d\x0d\x0a"}

var (
	errCapture = errors.New("a packet capture, not a topology: replay takes it as an argument")
	errBinary  = errors.New("not text")
	errNeither = errors.New("neither JSON nor YAML: give what the AWS CLI prints, the output of `terraform show -json`, or a topology's text")
)

// whatNotJSON returns an error that says what a text is, judged by its beginning,
// nil if it may be JSON or YAML.
func whatNotJSON(text string) error {
	if jsontree.IsJSON(text) || isStatements(text) {
		return nil
	}
	if slices.ContainsFunc(captureMagic, func(magic string) bool { return strings.HasPrefix(text, magic) }) {
		return errCapture
	}
	for _, k := range notJSON {
		if k.start.MatchString(text) {
			return errors.New(k.what)
		}
	}
	if strings.IndexByte(text, 0) >= 0 {
		return errBinary
	}
	return nil
}
