package load

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A plan tells of an expression only what it refers to (IN-21):
//
//	aws_security_group.web.id
//	aws_security_group.web["a"].id
//	aws_security_group.web           with each.key or count.index as another reference, or [*]
//	module.net["a"].web_id           an output
//	var.web_id                       an argument of the module's call
//	each.value.id                    of what for_each goes through
//	local.web_id                     of which the plan tells nothing
//
// Each is followed by its own beginnings: aws_security_group.web behind
// aws_security_group.web.id. What an attribute refers to is narrowed by the kind of
// resource that is wanted and by the instances that exist.

// A step is a part of a reference: a name, or the key in brackets.
type step struct {
	name string
	key  tfKey
}

// parseRef splits a reference or an address. What is no reference has no steps.
func parseRef(s string) []step {
	var steps []step
	for s != "" {
		if s[0] == '[' {
			key, rest := s[1:], ""
			if quoted, err := strconv.QuotedPrefix(key); err == nil {
				key, rest = quoted, strings.TrimPrefix(key[len(quoted):], "]")
			} else if i := strings.IndexByte(key, ']'); i >= 0 {
				key, rest = key[:i], key[i+1:]
			}
			steps, s = append(steps, step{key: tfKey(key)}), rest
			continue
		}
		s = strings.TrimPrefix(s, ".")
		i := strings.IndexAny(s, ".[")
		if i < 0 {
			i = len(s)
		}
		if i == 0 {
			return nil
		}
		steps, s = append(steps, step{name: s[:i]}), s[i:]
	}
	return steps
}

// references returns the references of an expression, or with attr those of that
// attribute in a list of blocks, without those that are only the beginnings of
// others.
func references(expr *cursor, attr string) []string {
	var all []string
	collectRefs(expr, attr, &all)
	var out []string
	for i, s := range all {
		if i > 0 && strings.HasPrefix(all[i-1], s) && all[i-1] != s && strings.ContainsAny(all[i-1][len(s):][:1], ".[") {
			continue
		}
		out = addNew(out, s)
	}
	return out
}

func collectRefs(expr *cursor, attr string, out *[]string) {
	if !expr.there() {
		return
	}
	switch expr.v.kind {
	case list: // of blocks
		for block := range expr.each() {
			if block.there() && block.v.kind == object {
				collectRefs(block.field(attr), "", out)
			}
		}
	case object:
		if expr.v.get("references") == nil && attr != "" {
			collectRefs(expr.field(attr), "", out)
			return
		}
		for ref := range expr.field("references").each() {
			*out = append(*out, ref.str())
		}
	}
}

// A wanted says what a reference should lead to.
type wanted struct {
	text  string   // for messages
	kinds []string // of resources, by their id
	attr  string   // of an aws_instance that has such an id
}

var (
	wantGroup  = wanted{"security group", []string{"aws_security_group", "aws_default_security_group"}, ""}
	wantList   = wanted{"prefix list", []string{"aws_ec2_managed_prefix_list", "aws_prefix_list"}, ""}
	wantENI    = wanted{"interface", []string{"aws_network_interface"}, "primary_network_interface_id"}
	wantVPC    = wanted{"VPC", []string{"aws_vpc", "aws_default_vpc"}, ""}
	wantSubnet = wanted{"subnet", []string{"aws_subnet", "aws_default_subnet"}, ""}
	wantPeer   = wanted{"peering", []string{"aws_vpc_peering_connection"}, ""}
)

// A scope is where an expression stands: in a module, and inside an instance of a
// resource or module call that each.key, each.value and count.index speak of.
type scope struct {
	module  *tfModule
	key     tfKey
	forEach *cursor // the for_each expression, to be read in module without a key
}

// A resolver follows references until it arrives at resources.
type resolver struct {
	want   wanted
	found  []*tfResource
	locals []string // references of which the plan tells nothing
	steps  int      // left, so that what refers to itself ends
}

const maxSteps = 10_000

// resolve returns the resources that an expression refers to, and the references
// that could not be followed.
func (s scope) resolve(want wanted, refs []string) ([]*tfResource, []string) {
	r := &resolver{want: want, steps: maxSteps}
	r.all(s, refs)
	return r.found, r.locals
}

func (r *resolver) all(s scope, refs []string) {
	for _, ref := range refs {
		if r.steps--; r.steps < 0 {
			return
		}
		r.one(s, ref, refs)
	}
}

// one follows one of an expression's references.
func (r *resolver) one(s scope, ref string, refs []string) {
	steps := parseRef(ref)
	if len(steps) < 2 {
		return
	}
	switch steps[0].name {
	case "count", "self", "path", "terraform":
	case "each":
		if steps[1].name == "value" && s.forEach.there() {
			// Of what for_each goes through, the instance with this key.
			r.all(scope{module: s.module, key: s.key}, append(references(s.forEach, ""), "each.key"))
		}
	case "local":
		r.locals = addNew(r.locals, ref)
	case "var":
		if s.module.parent != nil {
			call := s.module.call
			r.all(scope{s.module.parent, s.module.key, call.field("for_each_expression")},
				references(call.field("expressions").field(steps[1].name), ""))
		}
	case "module":
		r.module(s, steps[1:], refs)
	case "data":
		if len(steps) > 2 {
			r.resource(s, "data", steps[1:], refs)
		}
	default:
		r.resource(s, "managed", steps, refs)
	}
}

// module follows a reference to an output: name, key if there is one, output.
func (r *resolver) module(s scope, steps []step, refs []string) {
	name, steps := steps[0].name, steps[1:]
	var key tfKey
	if len(steps) > 0 && steps[0].name == "" {
		key, steps = steps[0].key, steps[1:]
	}
	output := ""
	if len(steps) > 0 {
		output = steps[0].name
	}
	var calls []*tfModule
	for _, child := range s.module.children {
		if child.name == name {
			calls = append(calls, child)
		}
	}
	if len(calls) == 0 { // one without resources
		call := s.module.config.field("module_calls").field(name)
		calls = []*tfModule{{doc: s.module.doc, parent: s.module, name: name, key: key, call: call, config: call.field("module")}}
	}
	calls = narrow(s, key, refs, calls, func(m *tfModule) tfKey { return m.key })
	for _, m := range calls {
		outputs := m.config.field("outputs")
		if output != "" {
			r.all(scope{module: m}, references(outputs.field(output).field("expression"), ""))
			continue
		}
		if outputs.want(object) { // module.net[each.key].web_id loses its output
			for _, o := range outputs.v.kids {
				r.all(scope{module: m}, references(outputs.field(o.key).field("expression"), ""))
			}
		}
	}
}

// resource follows a reference to a resource: kind, name, key if there is one,
// attribute.
func (r *resolver) resource(s scope, mode string, steps []step, refs []string) {
	kind, name, steps := steps[0].name, steps[1].name, steps[2:]
	var key tfKey
	if len(steps) > 0 && steps[0].name == "" {
		key, steps = steps[0].key, steps[1:]
	}
	attr := ""
	if len(steps) > 0 {
		attr = steps[0].name
	}
	var found []*tfResource
	for _, x := range s.module.resources {
		if x.mode == mode && x.kind == kind && x.name == name {
			found = append(found, x)
		}
	}
	found = narrow(s, key, refs, found, func(x *tfResource) tfKey { return x.key })
	if slices.Contains(r.want.kinds, kind) && (attr == "" || attr == "id") ||
		kind == "aws_instance" && attr != "" && attr == r.want.attr {
		r.found = addNew(r.found, found...)
		return
	}
	for _, x := range found { // another resource's argument: aws_subnet.a.vpc_id
		r.all(x.scope(), references(x.expr(attr), ""))
	}
}

// scope returns the scope of a resource's arguments.
func (r *tfResource) scope() scope {
	return scope{r.module, r.key, r.config().field("for_each_expression")}
}

// narrow keeps the instances that a reference without a key can mean: the one with
// the key of the referring instance, or that of a variable, where the expression
// mentions those.
func narrow[T any](s scope, key tfKey, refs []string, all []T, keyOf func(T) tfKey) []T {
	if len(all) < 2 && key == "" {
		return all
	}
	pick := func(key tfKey) []T {
		var out []T
		for _, x := range all {
			if keyOf(x) == key {
				out = append(out, x)
			}
		}
		return out
	}
	if key != "" {
		return pick(key)
	}
	for _, ref := range refs {
		var key tfKey
		switch steps := parseRef(ref); {
		case ref == "each.key" || ref == "each.value" || ref == "count.index":
			key = s.key
		case len(steps) == 2 && steps[0].name == "var":
			key = s.constant(steps[1].name)
		}
		if key == "" {
			continue
		}
		if out := pick(key); len(out) > 0 {
			return out
		}
	}
	return all
}

// constant returns the value of a variable as a key, where the plan tells it.
func (s scope) constant(name string) tfKey {
	v := s.module.doc.vars.field(name).field("value")
	if s.module.parent != nil {
		v = s.module.call.field("expressions").field(name).field("constant_value")
		if !v.there() {
			v = s.module.config.field("variables").field(name).field("default")
		}
	}
	if v.there() && (v.v.kind == str || v.v.kind == number) {
		return keyOf(v)
	}
	return ""
}

// ids returns the ids that an attribute holds, a string or a list of strings, with
// those that do not exist yet.
func (r *tfResource) ids(attr string, want wanted) []string {
	return r.idsAt(r.values.field(attr), attr, "", want)
}

// idsAt is ids for the value at c, set by an expression of the resource or by an
// attribute in its blocks.
func (r *tfResource) idsAt(c *cursor, expr, attr string, want wanted) []string {
	var out []string
	missing := c.v == nil
	switch {
	case !c.there():
	case c.v.kind == list:
		for item := range c.each() {
			if !item.there() { // omitted as unknown
				missing = true
			} else if s, ok := item.need(); ok {
				out = addNew(out, s)
			}
		}
	case c.want(str) && c.v.text != "":
		out = append(out, c.v.text)
	}
	if !missing || !r.module.doc.plan || !r.expr(expr).there() {
		return out
	}
	refs := references(r.expr(expr), attr)
	found, locals := r.scope().resolve(want, refs)
	for _, x := range found {
		out = addNew(out, x.idFor(want))
	}
	if len(found) == 0 {
		if x := r.guess(want, locals); x != nil {
			c.warn("", "%s", guessed(locals, x, want))
			return addNew(out, x.idFor(want))
		}
		c.warn("", "unknown until the plan is applied, and not to be told from %s: left out", refText(refs))
	}
	return out
}

// oneID returns the id that an attribute holds, and whether there is one. Where
// the plan leaves several to choose from, one that is new is meant, since the
// value would be known otherwise.
func (r *tfResource) oneID(attr string, want wanted) (string, bool) {
	c := r.values.field(attr)
	ids := r.idsAt(c, attr, "", want)
	if len(ids) > 1 {
		found, _ := r.scope().resolve(want, references(r.expr(attr), ""))
		ids = ids[:0]
		for _, x := range found {
			if x.isNew() {
				ids = addNew(ids, x.idFor(want))
			}
		}
	}
	switch len(ids) {
	case 0:
		return "", false
	case 1:
		return ids[0], true
	}
	c.warn("", "unknown until the plan is applied, and any of %s: left out", joinIDs(ids))
	return "", false
}

// guess returns the only new resource of the module that can be meant where an
// expression goes through a local.
func (r *tfResource) guess(want wanted, locals []string) *tfResource {
	var found *tfResource
	for _, x := range r.module.resources {
		if x != r && x.isNew() && slices.Contains(want.kinds, x.kind) {
			if found != nil {
				return nil
			}
			found = x
		}
	}
	if len(locals) == 0 {
		return nil
	}
	return found
}

func guessed(locals []string, x *tfResource, want wanted) string {
	return fmt.Sprintf("unknown until the plan is applied, and the plan does not tell what %s is: taken to be %s, the only new %s of its module",
		joinIDs(locals), x.address, want.text)
}

// joinIDs keeps long lists readable.
func joinIDs(ids []string) string {
	const most = 5
	if len(ids) > most {
		return strings.Join(ids[:most], ", ") + fmt.Sprintf(" and %d more", len(ids)-most)
	}
	return strings.Join(ids, ", ")
}

// requiredID is oneID for an attribute that every resource of the kind has.
func (r *tfResource) requiredID(attr string, want wanted) (string, bool) {
	if !r.unknown(attr) {
		return r.values.field(attr).need()
	}
	return r.oneID(attr, want)
}

func (r *tfResource) idFor(want wanted) string {
	if r.kind == "aws_instance" {
		return r.eniID()
	}
	return r.id()
}

func refText(refs []string) string {
	if len(refs) == 0 {
		return "the configuration"
	}
	return joinIDs(refs)
}
