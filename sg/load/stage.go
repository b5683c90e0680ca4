package load

// A stage is which of a plan's worlds is read.
type stage uint8

const (
	planned stage = iota // as it is once the plan is applied
	before               // as the plan finds it
	after                // planned, where what is replaced keeps its id
)

// Before has plans read as the state that they start from (prior_state), so that a
// plan alone holds both worlds of a comparison: this one, and that of [Loader.After].
func (l *Loader) Before() { l.stage = before }

// After has resources that a plan replaces keep the ids that they have, though AWS will
// choose others: what refers to them in both worlds then means the same.
func (l *Loader) After() { l.stage = after }

// keepIDs notes the ids of what the plan replaces, by address.
func (d *tfDoc) keepIDs() {
	d.kept = make(map[string]string)
	for item := range d.changes.objects() {
		if change := item.field("change"); replaces(change) {
			id := "id"
			if item.field("type").str() == "aws_instance" {
				id = "primary_network_interface_id"
			}
			if was := change.field("before").field(id).str(); was != "" {
				d.kept[item.field("address").str()] = was
			}
		}
	}
}

// replaces reports whether a change deletes a resource and creates it anew.
func replaces(change *cursor) bool {
	var deletes, creates bool
	for action := range change.field("actions").each() {
		deletes = deletes || action.str() == "delete"
		creates = creates || action.str() == "create"
	}
	return deletes && creates
}

// newID returns what stands for the id of a resource that AWS has yet to choose: the
// address, which nothing else in a topology looks like, or the id that is kept.
func (r *tfResource) newID() string {
	if id := r.module.doc.kept[r.address]; id != "" {
		return id
	}
	return r.address
}
