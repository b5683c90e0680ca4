package load

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sgsim/sgsim/sg/internal/jsontree"
)

// A plan tells only what an expression refers to (IN-21):
//
//	aws_security_group.web.id
//	aws_security_group.web["a"].id
//	aws_security_group.web           with each.key or count.index as another reference, or [*]
//	module.net["a"].web_id           an output
//	var.web_id                       an argument of the module's call
//	each.value.id                    of what for_each goes through
//	local.web_id                     of which the plan tells nothing
//
// After each reference come its own prefixes: aws_security_group.web after
// aws_security_group.web.id. The wanted kind of resource and the existing instances
// narrow down what an attribute refers to.

// A step is a part of a reference: a name, or the key in brackets.
type step struct {
	name string
	key  tfKey
}

// stepText matches a key in brackets or a name.
var stepText = regexp.MustCompile(`\[("(?:[^"\\]|\\.)*"|[^\]]*)\]|([^.\[]+)`)

// parseRef splits a reference or an address into steps.
func parseRef(s string) []step {
	var steps []step
	for _, m := range stepText.FindAllStringSubmatch(s, -1) {
		steps = append(steps, step{name: m[2], key: tfKey(m[1])})
	}
	return steps
}

// An expression is what a plan tells about an expression: its references.
type expression struct {
	refs  []string
	steps [][]step // of each
	keyed bool     // uses each.key, each.value or count.index
}

// expression returns the references of an expression, or with attr those of that
// attribute in a list of blocks, without those that are only prefixes of others.
func (d *tfDoc) expression(expr *cursor, attr string) *expression {
	key := exprKey{expr.n, attr}
	if x := d.exprs[key]; x != nil {
		return x
	}
	var all []string
	collectRefs(expr, attr, &all)
	x := &expression{}
	var kept set[string]
	for i, s := range all {
		if i > 0 && strings.HasPrefix(all[i-1], s) && all[i-1] != s && strings.ContainsAny(all[i-1][len(s):][:1], ".[") {
			continue
		}
		kept.add(&x.refs, s)
	}
	for _, s := range x.refs {
		steps := parseRef(s)
		x.steps = append(x.steps, steps)
		x.keyed = x.keyed || len(steps) > 1 && (steps[0].name == "each" || steps[0].name == "count")
	}
	d.exprs[key] = x
	return x
}

type exprKey struct {
	n    uint32
	attr string
}

func collectRefs(expr *cursor, attr string, out *[]string) {
	switch {
	case expr.is(list): // of blocks
		for block := range expr.each() {
			if block.is(object) {
				collectRefs(block.field(attr), "", out)
			}
		}
	case expr.is(object):
		for ref := range expr.field("references").each() {
			*out = append(*out, ref.str())
		}
	}
}

// A target says what a reference has to lead to.
type target struct {
	text  string   // for messages
	kinds []string // of resources
	ids   []string // their attributes that identify one
	attr  string   // of an aws_instance that has such an id
	start string   // of ids that AWS has chosen, "" to follow none of these
}

func want(text, start, attr string, kinds ...string) *target {
	return &target{text, kinds, []string{"id"}, attr, start}
}

var (
	wantGroup   = want("security group", "sg-", "", "aws_security_group", "aws_default_security_group")
	wantNamed   = &target{wantGroup.text, wantGroup.kinds, []string{"id", "name"}, "", "sg-"} // a name is allowed too
	wantList    = want("prefix list", "pl-", "", "aws_ec2_managed_prefix_list", "aws_prefix_list")
	wantENI     = want("interface", "eni-", "primary_network_interface_id", "aws_network_interface")
	wantOwnENI  = want("interface", "eni-", "", "aws_network_interface") // not an instance's own
	wantVPC     = want("VPC", "vpc-", "", "aws_vpc", "aws_default_vpc")
	wantGateway = want("transit gateway", "tgw-", "", "aws_ec2_transit_gateway")
	wantSubnet  = want("subnet", "subnet-", "", "aws_subnet", "aws_default_subnet")
)

// A scope is where an expression occurs: in a module, and inside an instance of a
// resource or module call, to which each.key, each.value and count.index belong.
type scope struct {
	module  *tfModule
	key     tfKey
	forEach *cursor // the for_each expression, to be read in module without a key
	picks   bool    // the expression means the instance with the key
}

// A referred is what an expression refers to.
type referred struct {
	refs      []string
	resources []*tfResource
	ids       []string // of the resources
	newIDs    []string // of those that are new
	known     []string // ids that a variable or another resource's attribute holds
	lost      []string // references to resources that lead to none of these
	locals    []string // references about which the plan tells nothing

	found set[*tfResource]
}

// A followKey identifies what is followed once for everything that refers to it.
type followKey struct {
	module        *tfModule
	key           tfKey
	picks         bool
	forEach, expr uint32
	attr          string
	want          *target
}

// maxSteps bounds the work on all references of a plan, counting each resource that
// one leads to: a plan of 100,000 resources takes a tenth of it.
const maxSteps = 5_000_000

// follow finds the resources that an expression, or an attribute of its blocks,
// refers to.
func (d *tfDoc) follow(s scope, expr *cursor, attr string, want *target) *referred {
	x := d.expression(expr, attr)
	key := followKey{module: s.module, expr: expr.n, attr: attr, want: want}
	if x.keyed || s.picks {
		key.key, key.picks = s.key, s.picks
		if s.forEach != nil {
			key.forEach = s.forEach.n
		}
	}
	if done := d.followed[key]; done != nil {
		return done
	}
	r := &referred{refs: x.refs}
	d.followed[key] = r // self-references end here
	if d.depth++; d.depth <= jsontree.MaxDepth {
		for _, steps := range x.steps {
			if d.step() {
				d.reference(r, s, x, steps, want)
			}
		}
	}
	d.depth--
	var ids, newIDs set[string]
	ids.add(&r.ids, r.known...)
	for _, found := range r.resources {
		id := found.idFor(want)
		ids.add(&r.ids, id)
		if found.isNew() {
			newIDs.add(&r.newIDs, id)
		}
	}
	return r
}

// step counts a step and reports whether the plan may take it.
func (d *tfDoc) step() bool {
	d.steps++
	if d.steps == maxSteps+1 && d.format != nil {
		d.format.fail("", "the references of this plan take more than %d steps to follow: they multiply", maxSteps)
	}
	return d.steps <= maxSteps
}

// add adds what another expression refers to.
func (d *tfDoc) add(r, o *referred) {
	for _, x := range o.resources {
		if d.step() {
			r.found.add(&r.resources, x)
		}
	}
	r.known = addNew(r.known, o.known...)
	r.lost = addNew(r.lost, o.lost...)
	r.locals = addNew(r.locals, o.locals...)
}

// reference follows one of an expression's references.
func (d *tfDoc) reference(r *referred, s scope, x *expression, steps []step, want *target) {
	if len(steps) < 2 {
		return
	}
	switch steps[0].name {
	case "count", "self", "path", "terraform":
	case "each":
		if steps[1].name == "value" && s.forEach != nil && s.forEach.there() {
			d.add(r, d.follow(scope{module: s.module, key: s.key, picks: true}, s.forEach, "", want))
		}
	case "local":
		r.locals = addNew(r.locals, "local."+steps[1].name)
	case "var":
		m := s.module
		r.know(s.variable(steps[1].name), want)
		if m.parent != nil {
			d.add(r, d.follow(scope{module: m.parent, key: m.key, forEach: m.call.field("for_each_expression")},
				m.call.field("expressions").field(steps[1].name), "", want))
		}
	case "module":
		d.output(r, s, x, steps[1:], want)
	case "data":
		if len(steps) > 2 {
			d.resource(r, s, x, "data", steps[1:], want)
		}
	default:
		d.resource(r, s, x, "managed", steps, want)
	}
}

// output follows a reference to an output: name, key if there is one, output.
func (d *tfDoc) output(r *referred, s scope, x *expression, steps []step, want *target) {
	name := steps[0].name
	key, steps := cutKey(steps[1:])
	for _, m := range narrow(d, s, key, x, s.module.calls(name, key)) {
		outputs := m.config.field("outputs")
		if len(steps) > 0 {
			d.add(r, d.follow(scope{module: m}, outputs.field(steps[0].name).field("expression"), "", want))
			continue
		}
		for o := range outputs.members() { // a plan does not name the output in module.net[each.key].web_id
			d.add(r, d.follow(scope{module: m}, o.field("expression"), "", want))
		}
	}
}

// resource follows a reference to a resource: kind, name, key if there is one,
// attribute.
func (d *tfDoc) resource(r *referred, s scope, x *expression, mode string, steps []step, want *target) {
	kind, name, attr := steps[0].name, steps[1].name, ""
	key, steps := cutKey(steps[2:])
	if len(steps) > 0 {
		attr = steps[0].name
	}
	for _, found := range narrow(d, s, key, x, s.module.named.of[mode+" "+kind+"."+name]) {
		if slices.Contains(want.kinds, kind) && (attr == "" || slices.Contains(want.ids, attr)) ||
			kind == "aws_instance" && attr != "" && attr == want.attr || want.holdsDefault(kind, attr) {
			r.found.add(&r.resources, found)
			continue
		}
		// Another resource's argument: aws_subnet.a.vpc_id.
		if r.know(found.values.at(steps), want) {
			continue
		}
		to := d.follow(found.scope(), found.expr(attr), "", want)
		if d.add(r, to); attr != "" && len(to.resources)+len(to.known)+len(to.locals)+len(to.lost) == 0 {
			r.lost = addNew(r.lost, found.address+"."+attr)
		}
	}
}

// know adds the ids that are the value at c or the items of it, and reports whether
// there are any.
func (r *referred) know(c *cursor, want *target) (any bool) {
	one := func(c *cursor) {
		id := c.text()
		if _, own, ok := strings.Cut(id, "/"); ok { // account/sg-id
			id = own
		}
		if want.start != "" && strings.HasPrefix(id, want.start) {
			any = true
			r.known = addNew(r.known, c.text())
		}
	}
	if one(c); c.is(list) {
		for item := range c.each() {
			one(item)
		}
	}
	return any
}

// text returns a string, "" for what is none.
func (c *cursor) text() string {
	if !c.is(str) {
		return ""
	}
	return c.raw()
}

// at goes to what an attribute's path leads to: outputs.web_id, vpc_config[0].id.
func (c *cursor) at(steps []step) *cursor {
	for _, s := range steps {
		key := s.name
		if key == "" {
			key, _ = strconv.Unquote(string(s.key))
		}
		next := &cursor{src: c.src, up: c}
		switch {
		case c.is(object):
			next = c.field(key)
		case c.is(list):
			for item := range c.each() {
				if strconv.Itoa(int(item.index)) == string(s.key) {
					next = item
				}
			}
		}
		c = next
	}
	return c
}

// cutKey splits off the key that steps begin with, if they do.
func cutKey(steps []step) (tfKey, []step) {
	if len(steps) > 0 && steps[0].name == "" {
		return steps[0].key, steps[1:]
	}
	return "", steps
}

// scope returns the scope of a resource's arguments.
func (r *tfResource) scope() scope {
	return scope{module: r.module, key: r.key, forEach: r.config().field("for_each_expression")}
}

// instances are what count and for_each make of one resource or call.
type instances[T any] = registry[tfKey, T]

// narrow keeps the instances that a reference without a key can mean. If the
// expression mentions the key of the referring instance or a variable, that is the
// one with that key.
func narrow[T any](d *tfDoc, s scope, key tfKey, x *expression, of *instances[T]) []T {
	if of == nil {
		return nil
	}
	one := func(key tfKey) []T {
		if found, ok := of.of[key]; ok && key != "" {
			return []T{found}
		}
		return nil
	}
	switch {
	case key != "":
		return one(key)
	case len(of.all) < 2:
		return of.all
	}
	var keys []tfKey
	for i, steps := range x.steps {
		switch ref := x.refs[i]; {
		case ref == "each.key" || ref == "each.value" || ref == "count.index":
			keys = append(keys, s.key)
		case len(steps) == 2 && steps[0].name == "var":
			keys = append(keys, s.constant(steps[1].name))
		}
	}
	if s.picks {
		keys = append(keys, s.key)
	}
	for _, key := range keys {
		if out := one(key); out != nil {
			return out
		}
	}
	for range of.all {
		d.step()
	}
	return of.all
}

// constant returns the value of a variable as a key, if the plan tells it.
func (s scope) constant(name string) tfKey {
	if v := s.variable(name); v.is(str) || v.is(number) {
		return keyOf(v)
	}
	return ""
}

// variable returns the value of a variable where the plan tells it.
func (s scope) variable(name string) *cursor {
	if s.module.parent == nil {
		return s.module.doc.vars.field(name).field("value")
	}
	given := s.module.call.field("expressions").field(name)
	if v := given.field("constant_value"); v.there() || given.has("references") {
		return v
	}
	return s.module.config.field("variables").field(name).field("default")
}
