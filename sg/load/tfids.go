package load

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// ids returns the ids that an attribute holds, a string or a list of strings,
// including those that do not exist yet. unresolved says what refers to ids that are left
// out, "" if none are.
func (r *tfResource) ids(attr string, want *target) (ids []string, unresolved string) {
	ids, unresolved = r.idsAt(r.values.field(attr), attr, "", want)
	for i := range ids {
		if !r.module.doc.step() {
			return ids[:i], unresolved
		}
	}
	return ids, unresolved
}

// idsAt is ids for the value at c, which an expression of the resource or an
// attribute in its blocks sets.
func (r *tfResource) idsAt(c *cursor, expr, attr string, want *target) (out []string, unresolved string) {
	missing := 0
	if !c.there() || c.is(list) {
		out, missing = c.knownIDs()
	} else if s := c.str(); s != "" {
		out = append(out, s)
	}
	if missing == 0 || !r.module.doc.plan || !r.expr(expr).there() {
		return out, ""
	}
	to := r.refersTo(expr, attr, want)
	if len(to.ids) > 0 {
		known := len(out)
		if known == 0 {
			out = to.ids // one list for all that refer to it
		} else {
			out = addNew(out, to.ids...)
		}
		if unresolved = joinIDs(to.lost); c.is(list) && len(out)-known < missing {
			unresolved = joinIDs(to.refs)
		}
		if unresolved != "" && len(out)-known != missing {
			c.warn("", "unknown until the plan is applied, and not all to be told from %s: others are left out", unresolved)
		}
		return out, unresolved
	}
	if x := r.guess(want, to.locals); x != nil {
		c.warn("", "%s", guessed(to.locals, x, want))
		return append(out, x.idFor(want)), ""
	}
	unresolved = cmp.Or(joinIDs(to.refs), "the configuration")
	c.warn("", "unknown until the plan is applied, and not known from %s: left out", unresolved)
	return out, unresolved
}

// knownIDs returns the ids in a list, and how many unknown ones at least are omitted.
func (c *cursor) knownIDs() (ids []string, missing int) {
	var seen set[string]
	if c.n == 0 {
		missing = 1
	}
	for item := range c.each() {
		if !item.there() {
			missing++
		} else if s, ok := item.need(); ok {
			seen.add(&ids, s)
		}
	}
	return ids, missing
}

// refersTo follows an argument of the resource, or an attribute of its blocks.
func (r *tfResource) refersTo(expr, attr string, want *target) *referred {
	return r.module.doc.follow(r.scope(), r.expr(expr), attr, want)
}

// oneID returns the id that an attribute holds, and whether there is one. If the
// plan leaves a choice, a new one is meant, since otherwise the value would be
// known.
func (r *tfResource) oneID(attr string, want *target) (string, bool) {
	ids, _ := r.idsAt(r.values.field(attr), attr, "", want)
	if len(ids) > 1 {
		ids = r.refersTo(attr, "", want).newIDs
	}
	switch len(ids) {
	case 0:
		return "", false
	case 1:
		return ids[0], true
	}
	r.values.field(attr).warn("", "unknown until the plan is applied, and any of %s: left out", joinIDs(ids))
	return "", false
}

// guess returns the only new resource of the module that can be meant if an
// expression goes through a local.
func (r *tfResource) guess(want *target, locals []string) *tfResource {
	others := slices.DeleteFunc(slices.Clone(r.module.newOf(want)), func(x *tfResource) bool { return x == r })
	if len(locals) == 0 || len(others) != 1 {
		return nil
	}
	return others[0]
}

func guessed(locals []string, x *tfResource, want *target) string {
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
func (r *tfResource) requiredID(attr string, want *target) (string, bool) {
	c := r.values.field(attr)
	if r.computed(attr) && strings.HasPrefix(r.kind, "aws_default_") {
		c.warn("", "a plan does not tell the %s of %s: left out", want.text, r.address)
		return "", false
	}
	if !r.unknown(attr) {
		return c.need()
	}
	return r.oneID(attr, want)
}

// requiredIDs is requiredID for two attributes that a resource links to each other.
func (r *tfResource) requiredIDs(attr string, want *target, attr2 string, want2 *target) (string, string, bool) {
	id, ok := r.requiredID(attr, want)
	id2, ok2 := r.requiredID(attr2, want2)
	return id, id2, ok && ok2
}

func (r *tfResource) idFor(want *target) string {
	switch {
	case r.kind == "aws_instance":
		return r.eniID()
	case want.holdsDefault(r.kind, defaultGroup):
		return r.defaultGroup()
	}
	return r.id()
}
