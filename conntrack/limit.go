package conntrack

// Limit sets a maximum that the zones share, in addition to the table's: AWS
// counts an instance's connections over all its ENIs (CT-04, CT-63). A zone has
// one shared maximum at a time, the latest it was given; 0 removes it.
// Connections beyond a new maximum stay.
func (t *Table) Limit(most int, zones ...Zone) {
	if t.limits == nil {
		if most <= 0 {
			return
		}
		t.limits = t.countZones()
	}
	var to *sharedLimit
	if most > 0 {
		to = &sharedLimit{max: most}
	}
	for _, z := range zones {
		u := t.limits.use(z)
		if u.limit != nil {
			u.limit.used -= u.n
		}
		if u.limit = to; to != nil {
			to.used += u.n
		}
	}
}

// countZones counts the connections of every zone.
func (t *Table) countZones() limits {
	l := limits{}
	for s, rec := range t.records() {
		l.add(s.zone(rec), 1)
	}
	return l
}

// room reports whether the zone may have another connection. Dead ones make room.
func (t *Table) room(z Zone, at int64) bool {
	u := t.limits[z]
	for t.max > 0 && t.Len()+t.elsewhere >= t.max || u != nil && u.limit != nil && u.limit.used >= u.limit.max {
		if _, ok := t.sweep(at, unlimited); !ok {
			return false
		}
	}
	return true
}

// limits hold how many connections zones have and may have. They are nil until
// the first maximum. From then on every zone is counted, so a later maximum needs
// no walk over the table.
type limits map[Zone]*zoneUse

// A zoneUse is the number of connections of a zone, with its maximum if it has
// one.
type zoneUse struct {
	n     int
	limit *sharedLimit
}

// A sharedLimit is a maximum that zones have in common.
type sharedLimit struct {
	max, used int
}

func (l limits) use(z Zone) *zoneUse {
	u := l[z]
	if u == nil {
		u = &zoneUse{}
		l[z] = u
	}
	return u
}

func (l limits) add(z Zone, n int) {
	u := l.use(z)
	u.n += n
	if u.limit != nil {
		u.limit.used += n
	}
}

func (l limits) clone() limits {
	if l == nil {
		return nil
	}
	c, copies := make(limits, len(l)), map[*sharedLimit]*sharedLimit{}
	for z, u := range l {
		n := *u
		if s := u.limit; s != nil {
			if copies[s] == nil {
				shared := *s
				copies[s] = &shared
			}
			n.limit = copies[s]
		}
		c[z] = &n
	}
	return c
}
