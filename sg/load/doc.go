// Package load reads a [sg.Topology] from what users already have: output of the
// AWS CLI, and Terraform's states and plans.
//
//	aws ec2 describe-security-groups       > groups.json
//	aws ec2 describe-network-interfaces    > enis.json
//	topo, warnings, err := load.Files("groups.json", "enis.json")
//
// Give any number of files, in any order. Each is recognized by its top-level
// keys, and what they say about the same group, rule or interface is merged. Only
// the groups and the interfaces are needed; the others add something:
//
//	describe-security-groups              groups and rules
//	describe-security-group-rules         the sgr- id of every rule; enough alone
//	describe-security-group-vpc-associations
//	                                      further VPCs of groups; without it, as interfaces show
//	describe-network-interfaces           ENIs, their addresses and groups
//	describe-instances                    the same, of instances only, and which are on Nitro v6
//	describe-managed-prefix-lists         size and owner of prefix lists
//	get-managed-prefix-list-entries       their entries: pl-0123=entries.json
//	describe-prefix-lists                 the lists of gateway endpoints
//	describe-vpcs, describe-subnets       addresses that no group filters
//	describe-network-acls                 network ACLs, with describe-subnets
//	describe-vpc-peering-connections      groups of peer VPCs in rules
//	describe-transit-gateways, describe-transit-gateway-vpc-attachments
//	                                      whether groups are known across them
//	describe-instance-types               idle timeouts, beside describe-instances
//	terraform show -json                  all of these, from a state or a plan
//	terraform.tfstate                     the same, of a state (version 4)
//	a topology's text                     all of these, as package sgtest reads it
//
// The output of get-managed-prefix-list-entries does not say which list it belongs
// to (IN-11). So give its file with the list's id in front, or name it after the
// list in a directory.
//
// Files may be JSON or the CLI's YAML, UTF-8 or UTF-16, gzipped or not. A file may
// hold several documents, one after the other or in a list. A directory stands for
// the files in it. For a file that is not read, such as a saved plan, a template or
// the listing of another service, the error says what it is and which command makes
// one that is.
//
// A topology's text is recognized by its first statement:
//
//	group sg-web
//	rule sg-web ingress tcp 443 0.0.0.0/0
//	eni eni-web 10.0.1.10 sg-web
//
// # Who says what
//
// A Terraform plan decides about the groups, interfaces and network ACLs that it manages,
// and about what it deletes, even a rule of a group that it does not manage. Listings
// supply the rest; if they have more than the plan, a warning says what was left out. Two
// listings may be parts of one whole, as pages are, and may repeat each other. If they
// contradict each other about an interface or the rules of a group, that is an error with
// both places, unless [Loader.Prefer] says which one decides. A state counts as a listing,
// but a state next to a plan of the same resources is always an error: give one of the two,
// or run once with each to compare them.
//
// The output of authorize-security-group-ingress does not count as all rules of its
// group, nor does a page if the last page is missing. Nothing shows whether a listing
// was made with filters, except that it has rules of only one direction, which is a
// warning. A prefix list is incomplete if the inputs lack some of its entries, so
// verdicts may be unknown.
//
// # Terraform plans
//
// Resources that do not exist yet have no ids. Their Terraform address stands in
// for the id ("module.net.aws_security_group.web"). References are followed
// through the configuration inside the plan, including modules, count and
// for_each, so that a plan can be tested before it is applied. What a plan does
// not tell is left out with a warning, and where rules or groups are missing for it,
// verdicts may be unknown:
//
//   - addresses that AWS has yet to choose; supply them with [Loader.AddENI]
//   - which of several rules inside one aws_security_group refers to which of
//     several new groups, if the rules are for different traffic; rules that are
//     resources of their own do not have this problem
//   - what a local stands for, unless its module has only one new group
//   - rules that it defers
//
// Data sources of interfaces and instances count as a listing.
//
// An interface that a plan makes without groups carries the default group of its VPC.
// If the plan makes that VPC too, the group has the rules that AWS gives it; if nothing
// in the inputs has the group, what it admits is unknown.
//
// One thing a plan hides without a trace: an id written out next to a reference
// to something new, as in [aws_security_group.new.id, "sg-0123"].
//
// # Errors
//
// All errors are reported at once, or the first thousand and how many more there are.
// Each is an [*Error] with file, line, JSON path and, if AWS has one, the error code.
// Input that is understood but incomplete or without effect on the simulation gives a
// [Warning] with the same [Place]. Unknown keys are ignored. Errors of [sg.Compile]
// get their place from [Loader.Locate].
//
// Time and memory grow no faster than the input, whatever is in it. A JSON value
// takes eight bytes and its text, nesting is limited to a thousand levels, and if
// following all references of a plan takes more than five million steps, that is an
// error.
//
// Numbers such as IN-03 refer to the list of statements in package sg.
package load
