package conntrack

// Clone returns an independent copy, so that a what-if may go on from here, or
// that this moment may be returned to later. It copies all memory of the table;
// both then give the same answers to the same calls.
func (t *Table) Clone() *Table {
	c := *t
	c.v4, c.v6 = t.v4.clone(&c.hash), t.v6.clone(&c.hash)
	c.timeouts = t.timeouts.clone()
	c.limits = t.limits.clone()
	c.frags = t.frags.clone()
	return &c
}
