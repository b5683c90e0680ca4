package conntrack

// Limit sets a maximum that the zones share, besides the table's: AWS counts an
// instance's connections over all its ENIs (CT-04, CT-63). A zone is under one
// shared maximum at a time, the latest it was given; 0 frees it from any.
// Connections beyond a new maximum stay.
func (t *Table) Limit(max int, zones ...Zone) {
	if t.limits == nil {
		t.limits = limits{}
	}
	l := &sharedLimit{max: max}
	for _, z := range zones {
		if max > 0 {
			t.limits[z] = l
		} else {
			delete(t.limits, z)
		}
	}
	for _, l := range t.limits {
		l.used = 0
	}
	for _, s := range [...]*store{&t.v4, &t.v6} {
		for rec := range s.size {
			if stateOf(s.head(rec)[wordMeta]) != None {
				t.limits.add(s.zone(rec), 1)
			}
		}
	}
	if len(t.limits) == 0 {
		t.limits = nil
	}
}

// room reports whether the zone may have another connection. Dead ones make room.
func (t *Table) room(z Zone, at int64) bool {
	for t.max > 0 && t.Len() >= t.max {
		if n, _ := t.sweep(at, 1, all); n == 0 {
			return false
		}
	}
	if l := t.limits[z]; l != nil {
		for l.used >= l.max {
			if n, _ := t.sweep(at, 1, all); n == 0 {
				return false
			}
		}
	}
	return true
}

// limits are the shared maximums by zone; nil while there are none.
type limits map[Zone]*sharedLimit

// A sharedLimit is a maximum that zones have in common.
type sharedLimit struct {
	max, used int
}

func (l limits) add(z Zone, n int) {
	if s := l[z]; s != nil {
		s.used += n
	}
}

func (l limits) clone() limits {
	if l == nil {
		return nil
	}
	c, copies := limits{}, map[*sharedLimit]*sharedLimit{}
	for z, s := range l {
		if copies[s] == nil {
			n := *s
			copies[s] = &n
		}
		c[z] = copies[s]
	}
	return c
}
