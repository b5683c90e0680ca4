// Package load reads a [sg.Topology] from the JSON that users already have: what
// the AWS CLI prints, and what `terraform show -json` says of a state or a plan.
//
//	aws ec2 describe-security-groups       > groups.json
//	aws ec2 describe-network-interfaces    > enis.json
//	topo, warnings, err := load.Files("groups.json", "enis.json")
//
// Give any number of files, in any order: each is known by its top-level key, and
// what they say of the same group, rule or interface is put together. Only the
// groups and the interfaces are needed; the others add something:
//
//	describe-security-groups              groups and rules
//	describe-security-group-rules         the sgr- id of every rule; enough alone
//	describe-security-group-vpc-associations
//	describe-network-interfaces           ENIs, their addresses and groups
//	describe-managed-prefix-lists         size and owner of prefix lists
//	get-managed-prefix-list-entries       their entries: pl-0123=entries.json
//	describe-prefix-lists                 the lists of gateway endpoints
//	describe-vpcs, describe-subnets       addresses that no group filters
//	describe-vpc-peering-connections      groups of peer VPCs in rules
//	terraform show -json                  all of these, from a state or a plan
//
// The output of get-managed-prefix-list-entries does not say which list it is of
// (IN-11), so its file is given with the list's id before it.
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
// All errors are reported at once, each as an [*Error] that tells file, line,
// JSON path and, where AWS has one, the error code. What is understood but has no
// effect on the simulation, or is not complete, is a [Warning] with the same
// [Place]. Unknown keys are ignored. Errors of [sg.Compile] get their place from
// [Loader.Locate].
//
// Numbers such as IN-03 refer to the list of statements in package sg.
package load
