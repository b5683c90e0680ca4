package load

import (
	"slices"
	"strconv"
	"strings"
)

// A tfDoc is one output of `terraform show -json`, of a state or of a plan.
type tfDoc struct {
	b      *builder
	format *cursor         // the place for messages about the whole document
	root   *tfModule       // with the resources as they are, or will be
	warned map[string]bool // kinds of resources whose interfaces nobody tells
	rules  *cursor         // one list for all rules that are resources of their own
	later  []*tfResource   // data sources of interfaces, to be read after all resources

	// Only in plans. Ids that do not exist yet are followed through config.
	plan      bool
	prior     bool // the prior state in a plan is read instead
	vars      *cursor
	changes   *cursor
	modules   map[string]*tfModule // by address
	exprs     map[exprKey]*expression
	followed  map[followKey]*referred
	replaced  map[string]*cursor // by address, what resources are now that keep their ids
	steps     int                // taken so far to follow references
	depth     int
	regions   map[string]string           // of VPCs, by what tells them
	defaultOf map[*tfResource]*tfResource // default groups by their VPC
	defaults  map[string]string           // ids of default groups by those of VPCs
	clashes   bool                        // with another document, and that was reported
}

// A tfModule is an instance of a module.
type tfModule struct {
	doc       *tfDoc
	parent    *tfModule
	key       tfKey
	address   string
	config    *cursor // its part of the configuration
	call      *cursor // the call in the parent's configuration
	children  []*tfModule
	resources []*tfResource
	configOf  map[string]*cursor                        // resources of config by type and name
	named     registry[string, *instances[*tfResource]] // by mode, type and name
	called    registry[string, *instances[*tfModule]]   // children, and other modules that are referred to
	new       map[*target][]*tfResource                 // some of those without an id
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

// A tfKey tells instances of count and for_each apart; it is empty if there is
// only one instance. Numbers and strings differ in their text form.
type tfKey string

func keyOf(index *cursor) tfKey {
	switch {
	case !index.there():
		return ""
	case index.is(number):
		return tfKey(index.raw())
	}
	return tfKey(strconv.Quote(index.str()))
}

func newTFDoc(b *builder, format *cursor) *tfDoc {
	return &tfDoc{
		b: b, format: format, warned: map[string]bool{}, rules: &cursor{},
		modules: map[string]*tfModule{}, replaced: map[string]*cursor{}, exprs: map[exprKey]*expression{}, followed: map[followKey]*referred{},
	}
}

// terraform reads a document if it is a plan, or if it is a state, as asked.
func (b *builder) terraform(format *cursor, plan bool) {
	if isPlan(format.up) != plan {
		return
	}
	format.src.decides = plan || format.src.preferred
	if d := b.tfDoc(format, plan && b.stage != before); d != nil {
		d.read()
	}
}

// isPlan reports whether a document of terraform show -json is a plan and not a state.
func isPlan(root *cursor) bool { return root.has("planned_values") || root.has("resource_changes") }

// tfDoc returns the document with this format version, nil if it is empty.
func (b *builder) tfDoc(format *cursor, plan bool) *tfDoc {
	root := format.up
	version := format.str()
	if major, _, _ := strings.Cut(version, "."); major != "0" && major != "1" {
		format.fail("", "format %s of `terraform show -json` is not known: want 0.x or 1.x", quote(version)) // IN-21
		return nil
	}
	d := newTFDoc(b, format)
	values := root.field("values")
	if prior := root.field("prior_state"); b.stage == before && prior.there() {
		values, d.prior = prior.field("values"), true
	}
	if d.plan = plan; plan {
		values = root.field("planned_values")
		d.vars, d.changes = root.field("variables"), root.field("resource_changes")
		if !values.there() || !values.field("root_module").field("resources").filled() && !values.field("root_module").field("child_modules").filled() && leaves(d.changes) {
			d.changes.fail("", "a plan without its planned_values, which say what is there once it is applied: %s, all of it", giveShow)
			return nil
		}
		d.warnIncomplete(root)
	}
	if !values.there() {
		if b.stage != before { // a plan may start from nothing
			format.warn("", "the state is empty")
		}
		return nil
	}
	d.root = d.module(nil, values.field("root_module"), root.field("configuration").field("root_module"))
	if d.plan {
		d.readChanges()
		// Known data sources are not planned.
		d.addData(d.root, root.field("prior_state").field("values").field("root_module"))
	}
	return d
}

// leaves reports whether something is there once changes are made, which planned_values
// has then.
func leaves(changes *cursor) bool {
	for item := range changes.objects() {
		if after := item.field("change").field("after"); item.field("mode").text() == "managed" && after.is(object) {
			return true
		}
	}
	return false
}

// warnIncomplete warns about what a plan says it leaves open.
func (d *tfDoc) warnIncomplete(root *cursor) {
	if errored := root.field("errored"); errored.flag() {
		errored.warn("", "Terraform stopped with an error while it planned: resources are missing")
	}
	if complete := root.field("complete"); complete.there() && !complete.flag() {
		complete.warn("", "Terraform says that it will take a further plan after this one: what that changes is not here")
	}
	if deferred := root.field("deferred_changes"); deferred.filled() {
		deferred.warn("", "Terraform defers these changes to a later plan: they are left out")
	}
}

// module reads an instance of a module and those inside it.
func (d *tfDoc) module(parent *tfModule, c, config *cursor) *tfModule {
	m := &tfModule{doc: d, address: c.field("address").str(), config: config}
	d.modules[m.address] = m
	if parent != nil {
		name, key := lastModule(m.address)
		m.calledBy(parent, name, key)
	}
	for item := range c.field("resources").objects() {
		m.addItem(item)
	}
	for item := range c.field("child_modules").objects() {
		m.children = append(m.children, d.module(m, item, nil))
	}
	return m
}

// calledBy makes the module an instance of a call.
func (m *tfModule) calledBy(parent *tfModule, name string, key tfKey) {
	m.parent, m.key = parent, key
	m.call = parent.config.field("module_calls").field(name)
	m.config = m.call.field("module")
	parent.called.get(name, new(instances[*tfModule])).get(key, m)
}

// addItem adds a resource of `terraform show -json`.
func (m *tfModule) addItem(item *cursor) {
	if address, ok := item.field("address").need(); ok {
		m.add(address, item, item.field("index"), item.field("values"))
	}
}

// add adds the resource that item describes. Without an address it gets the one that
// `terraform show -json` would give it.
func (m *tfModule) add(address string, item, index, values *cursor) {
	r := &tfResource{
		module: m, mode: item.field("mode").str(), kind: item.field("type").str(), name: item.field("name").str(),
		key: keyOf(index), address: address, values: values,
	}
	if address == "" {
		r.address = r.fullKind() + "." + r.name
		if m.address != "" {
			r.address = m.address + "." + r.address
		}
		if r.key != "" {
			r.address += "[" + string(r.key) + "]"
		}
	}
	if values.n == 0 { // omitted if all of them are unknown
		values.n = values.src.EmptyAt(values.up.n)
	}
	if values.src.resources == nil {
		values.src.resources = make(map[uint32]string)
	}
	values.src.resources[values.n] = r.address
	m.resources = append(m.resources, r)
	m.named.get(r.mode+" "+r.kind+"."+r.name, new(instances[*tfResource])).get(r.key, r)
}

// calls returns the instances of a called module. The plan does not mention those
// without resources.
func (m *tfModule) calls(name string, key tfKey) *instances[*tfModule] {
	of := m.called.get(name, new(instances[*tfModule]))
	if len(of.all) == 0 || of.all[0].address == "" && of.of[key] == nil {
		(&tfModule{doc: m.doc}).calledBy(m, name, key)
	}
	return of
}

// newOf returns the resources of the wanted kinds that have no id yet, or enough of
// them to show that there are several.
func (m *tfModule) newOf(want *target) []*tfResource {
	if out, known := m.new[want]; known {
		return out
	}
	var out []*tfResource
	for _, x := range m.resources {
		if len(out) < 3 && x.isNew() && slices.Contains(want.kinds, x.kind) {
			out = append(out, x)
		}
	}
	if m.new == nil {
		m.new = make(map[*target][]*tfResource)
	}
	m.new[want] = out
	return out
}

// moduleOf returns the module of a change, the root if no other resource is in it.
func (d *tfDoc) moduleOf(change *cursor) *tfModule {
	if m := d.modules[change.field("module_address").text()]; m != nil {
		return m
	}
	return d.root
}

// addData adds the data sources of a prior state to the modules of a plan.
func (d *tfDoc) addData(m *tfModule, prior *cursor) {
	for item := range prior.field("resources").objects() {
		if item.field("mode").str() == "data" {
			m.addItem(item)
		}
	}
	for item := range prior.field("child_modules").objects() {
		if child := d.modules[item.field("address").str()]; child != nil {
			d.addData(child, item)
		}
	}
}

// lastModule splits the last call off a module's address: module.a["x"].module.b[0].
func lastModule(address string) (name string, key tfKey) {
	steps := parseRef(address)
	if last := len(steps) - 1; last > 0 && steps[last].name == "" {
		steps, key = steps[:last], steps[last].key
	}
	if len(steps) > 0 {
		name = steps[len(steps)-1].name
	}
	return name, key
}

// all goes through all resources of a module and of those inside it.
func (m *tfModule) all(yield func(*tfResource) bool) {
	for _, r := range m.resources {
		if !yield(r) {
			return
		}
	}
	for _, child := range m.children {
		for r := range child.all {
			if !yield(r) {
				return
			}
		}
	}
}

// fullKind returns the kind with "data." in front for a data source.
func (r *tfResource) fullKind() string {
	if r.mode == "data" {
		return "data." + r.kind
	}
	return r.kind
}

// config returns what the configuration says about the resource.
func (r *tfResource) config() *cursor {
	m := r.module
	if m.configOf == nil {
		m.configOf = make(map[string]*cursor)
		for item := range m.config.field("resources").objects() {
			m.configOf[item.field("mode").str()+" "+item.field("type").str()+"."+item.field("name").str()] = item
		}
	}
	if c := m.configOf[r.mode+" "+r.kind+"."+r.name]; c != nil {
		return c
	}
	return &cursor{src: m.config.src}
}

func (r *tfResource) expr(attr string) *cursor { return r.config().field("expressions").field(attr) }

// id returns the resource's id, or a stand-in if AWS has yet to choose one. A default
// network ACL has it in a separate attribute, and a default group that Terraform is about
// to manage is there already.
func (r *tfResource) id() string {
	if id := r.adopted(); id != "" {
		return id
	}
	if r.kind == "aws_default_network_acl" {
		if id := r.values.field("default_network_acl_id").str(); id != "" {
			return id
		}
	}
	if id := r.values.field("id"); id.there() {
		return id.str()
	}
	return r.newID()
}

// isNew reports whether the resource has no id yet.
func (r *tfResource) isNew() bool { return !r.values.field("id").there() }

// unknown reports whether an attribute's value is known only after the plan is
// applied: the values omit it, while the configuration sets it (IN-21).
func (r *tfResource) unknown(attr string) bool {
	return r.computed(attr) && r.expr(attr).there()
}

// tells reports whether a plan tells all these values, and warns with what becomes of it if
// it does not.
func (d *tfDoc) tells(becomes string, values ...*cursor) bool {
	for _, v := range values {
		if d.plan && v.n == 0 {
			v.warn("", "unknown until the plan is applied: %s", becomes)
			return false
		}
	}
	return true
}

// computed reports whether AWS chooses an attribute's value.
func (r *tfResource) computed(attr string) bool {
	return r.module.doc.plan && !r.values.has(attr)
}

// rawState reads a terraform.tfstate, which has the resources of all modules in
// one list.
func (b *builder) rawState(c *cursor) {
	root := c.up
	if encrypted := root.field("encrypted_data"); encrypted.there() {
		encrypted.fail("", "an encrypted state of OpenTofu: give the output of `tofu show -json`")
		return
	}
	if version := root.field("version"); version.raw() != "4" {
		version.fail("", "version %s of a raw Terraform state is not known: %s", quote(version.raw()), giveShow)
		return
	}
	d := newTFDoc(b, c)
	none := &cursor{src: c.src}
	d.root = &tfModule{doc: d, config: none}
	d.modules[""] = d.root
	for item := range root.field("resources").objects() {
		address := item.field("module").str()
		m := d.modules[address]
		if m == nil {
			m = &tfModule{doc: d, address: address, config: none}
			d.modules[address] = m
			d.root.children = append(d.root.children, m)
		}
		for instance := range item.field("instances").objects() {
			if !instance.has("deposed") { // deposed ones are about to be destroyed
				m.add("", item, instance.field("index_key"), instance.field("attributes"))
			}
		}
	}
	d.read()
}
