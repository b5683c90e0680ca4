package load

import (
	"strconv"
	"strings"
)

// A tfDoc is one output of `terraform show -json`, of a state or of a plan.
type tfDoc struct {
	b    *builder
	root *tfModule // with the resources as they are, or will be

	// A plan only. Ids that do not exist yet are followed through config.
	plan    bool
	vars    *cursor
	changes *cursor
}

// A tfModule is an instance of a module.
type tfModule struct {
	doc       *tfDoc
	parent    *tfModule
	name      string // of the call
	key       tfKey
	address   string
	config    *cursor // its part of the configuration
	call      *cursor // the call in the parent's configuration
	children  []*tfModule
	resources []*tfResource
	configOf  map[string]*cursor // resources of config by type and name
}

// A tfResource is an instance of a resource or data source.
type tfResource struct {
	module  *tfModule
	mode    string
	kind    string // aws_security_group
	name    string
	key     tfKey
	address string
	values  *cursor
}

// A tfKey is what tells instances of count and for_each apart; empty where there
// is one instance only. Numbers and strings differ in their text form.
type tfKey string

func keyOf(index *cursor) tfKey {
	switch {
	case !index.there():
		return ""
	case index.v.kind == number:
		return tfKey(index.v.text)
	}
	return tfKey(strconv.Quote(index.str()))
}

func (b *builder) terraform(format *cursor) {
	root := format.up
	version := format.str()
	if major, _, _ := strings.Cut(version, "."); major != "0" && major != "1" {
		format.fail("", "format %s of `terraform show -json` is not known: want 0.x or 1.x", quote(version)) // IN-21
		return
	}
	d := &tfDoc{b: b}
	values := root.field("values")
	if planned := root.field("planned_values"); planned.there() || root.v.get("resource_changes") != nil {
		values, d.plan = planned, true
		d.vars, d.changes = root.field("variables"), root.field("resource_changes")
	}
	if errored := root.field("errored"); errored.there() && errored.flag() {
		errored.warn("", "Terraform stopped with an error while it planned: resources are missing")
	}
	if !values.there() {
		format.warn("", "the state is empty")
		return
	}
	d.root = d.module(nil, values.field("root_module"), root.field("configuration").field("root_module"))
	if d.plan { // data sources that are known already are not planned
		d.addData(d.root, root.field("prior_state").field("values").field("root_module"))
	}
	d.read()
}

// module reads an instance of a module and those inside it.
func (d *tfDoc) module(parent *tfModule, c, config *cursor) *tfModule {
	m := &tfModule{doc: d, parent: parent, config: config, address: c.field("address").str()}
	if parent != nil {
		m.name, m.key = lastModule(m.address)
		m.call = parent.config.field("module_calls").field(m.name)
		m.config = m.call.field("module")
	}
	for item := range c.field("resources").objects() {
		m.add(item)
	}
	for item := range c.field("child_modules").objects() {
		m.children = append(m.children, d.module(m, item, nil))
	}
	return m
}

func (m *tfModule) add(item *cursor) {
	address, ok := item.field("address").need()
	if !ok {
		return
	}
	r := &tfResource{
		address: address,
		module:  m,
		mode:    item.field("mode").str(),
		kind:    item.field("type").str(),
		name:    item.field("name").str(),
		key:     keyOf(item.field("index")),
	}
	r.values = item.field("values")
	r.values.resource = r.address
	if r.values.v == nil { // left out where all of them are unknown
		r.values.v = &value{kind: object, off: item.v.off}
	}
	m.resources = append(m.resources, r)
}

// addData adds the data sources of a prior state to the modules of a plan.
func (d *tfDoc) addData(m *tfModule, prior *cursor) {
	for item := range prior.field("resources").objects() {
		if item.field("mode").str() == "data" {
			m.add(item)
		}
	}
	for item := range prior.field("child_modules").objects() {
		address := item.field("address").str()
		for _, child := range m.children {
			if child.address == address {
				d.addData(child, item)
			}
		}
	}
}

// lastModule splits the last call off a module's address: module.a["x"].module.b[0].
func lastModule(address string) (name string, key tfKey) {
	steps := parseRef(address)
	for i, s := range steps {
		if s.name == "module" && i+1 < len(steps) {
			name, key = steps[i+1].name, ""
			if i+2 < len(steps) && steps[i+2].name == "" {
				key = steps[i+2].key
			}
		}
	}
	return name, key
}

// each goes through all resources of a module and of those inside it.
func (m *tfModule) each(yield func(*tfResource) bool) bool {
	for _, r := range m.resources {
		if !yield(r) {
			return false
		}
	}
	for _, child := range m.children {
		if !child.each(yield) {
			return false
		}
	}
	return true
}

// resourceConfig returns what the configuration says of a resource.
func (m *tfModule) resourceConfig(mode, kind, name string) *cursor {
	if m.configOf == nil {
		m.configOf = make(map[string]*cursor)
		for item := range m.config.field("resources").objects() {
			m.configOf[item.field("mode").str()+" "+item.field("type").str()+"."+item.field("name").str()] = item
		}
	}
	if c := m.configOf[mode+" "+kind+"."+name]; c != nil {
		return c
	}
	return &cursor{src: m.config.src, p: m.config.p}
}

func (r *tfResource) config() *cursor { return r.module.resourceConfig(r.mode, r.kind, r.name) }

func (r *tfResource) expr(attr string) *cursor { return r.config().field("expressions").field(attr) }

// id returns the resource's id, or its address where AWS has yet to choose one.
// Nothing else in a topology looks like an address.
func (r *tfResource) id() string {
	if id := r.values.field("id"); id.there() {
		return id.str()
	}
	return r.address
}

// isNew reports whether the resource has no id yet.
func (r *tfResource) isNew() bool { return !r.values.field("id").there() }

// unknown reports whether an attribute's value is one that only applying the plan
// tells: it is left out of the values, while the configuration sets it (IN-21).
func (r *tfResource) unknown(attr string) bool {
	return r.module.doc.plan && r.values.v.get(attr) == nil && r.expr(attr).there()
}

// computed reports whether an attribute's value is left to AWS.
func (r *tfResource) computed(attr string) bool {
	return r.module.doc.plan && r.values.v.get(attr) == nil
}
