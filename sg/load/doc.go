// Package load reads a [sg.Topology] from what users already have: what the AWS CLI
// prints, and what Terraform says of a state or a plan.
//
//	aws ec2 describe-security-groups       > groups.json
//	aws ec2 describe-network-interfaces    > enis.json
//	topo, warnings, err := load.Files("groups.json", "enis.json")
//
// Give any number of files, in any order: each is known by its top-level keys, and
// what they say of the same group, rule or interface is put together. Only the
// groups and the interfaces are needed; the others add something:
//
//	describe-security-groups              groups and rules
//	describe-security-group-rules         the sgr- id of every rule; enough alone
//	describe-security-group-vpc-associations
//	describe-network-interfaces           ENIs, their addresses and groups
//	describe-instances                    the same, of instances only
//	describe-managed-prefix-lists         size and owner of prefix lists
//	get-managed-prefix-list-entries       their entries: pl-0123=entries.json
//	describe-prefix-lists                 the lists of gateway endpoints
//	describe-vpcs, describe-subnets       addresses that no group filters
//	describe-vpc-peering-connections      groups of peer VPCs in rules
//	describe-transit-gateways, describe-transit-gateway-vpc-attachments
//	                                      whether groups are known across them
//	describe-instance-types               idle timeouts, beside describe-instances
//	terraform show -json                  all of these, from a state or a plan
//	terraform.tfstate                     the same, of a state (version 4)
//	a topology's text                     all of these, as package sgtest reads it
//
// The output of get-managed-prefix-list-entries does not say which list it is of
// (IN-11), so its file is given with the list's id before it, or is called like the
// list in a directory.
//
// Files may be JSON or the CLI's YAML, UTF-8 or UTF-16, packed with gzip or not. One
// may hold several documents, one behind the other or in a list. A directory stands
// for the files in it. What people have besides and is not read, such as a saved
// plan, a template or the listing of another service, is named in the error, with the
// command that makes what is.
//
// A topology's text is known by its first statement:
//
//	group sg-web
//	rule sg-web ingress tcp 443 0.0.0.0/0
//	eni eni-web 10.0.1.10 sg-web
//
// # Who says what
//
// A Terraform plan decides about the groups and interfaces that it manages, and about
// what it deletes, be it a rule of a group that it does not manage. Listings tell the
// rest; where they have more, a warning says what was left out. Two listings may be
// parts of one whole, as pages are, and may repeat each other. Where they say two
// things of one interface, or of the rules of one group, that is an error with both
// places, unless [Loader.Prefer] says which one decides, a state among them. A state
// beside a plan of the same resources is always an error: give one of the two, or run
// once with each to compare them.
//
// What authorize-security-group-ingress prints is not taken for all rules of its
// group, nor is a page where the last one is missing. Whether a listing was made with
// filters is not to be seen, except where it has the rules of one direction only, which
// is a warning. A prefix list whose entries are not all told is incomplete, so that
// verdicts may be unknown.
//
// # Terraform plans
//
// Resources that do not exist yet have no ids. Their Terraform address stands in
// ("module.net.aws_security_group.web"), and who refers to whom is followed
// through the configuration inside the plan, modules, count and for_each
// included, so that a plan can be tested before it is applied. What a plan does
// not tell is left out with a warning:
//
//   - addresses that AWS has yet to choose; [Loader.AddENI] gives them by hand
//   - which of several rules inside one aws_security_group refers to which of
//     several new groups, where the rules are for different traffic; rules that
//     are resources of their own do not suffer from this
//   - what stands behind a local, unless its module has one new group only
//
// One thing it hides without a trace: an id written out beside a reference to
// something new, as in [aws_security_group.new.id, "sg-0123"].
//
// # Errors
//
// All errors are reported at once, or the first thousand of them and how many more
// there are, each as an [*Error] that tells file, line, JSON path and, where AWS has
// one, the error code. What is understood but has no effect on the simulation, or is
// not complete, is a [Warning] with the same [Place]. Unknown keys are ignored. Errors
// of [sg.Compile] get their place from [Loader.Locate].
//
// Time and memory grow with the input and no faster, whatever is in it: a JSON value
// costs eight bytes and its text, nesting ends at a thousand, and following all the
// references of a plan takes at most five million steps, or is an error.
//
// Numbers such as IN-03 refer to the list of statements in package sg.
package load
