package conntrack

import (
	"maps"
	"slices"
)

// zoneTimeouts finds the timeouts of a zone. Zones with small numbers, which is
// what callers with thousands of them use, cost four bytes and no hashing.
type zoneTimeouts struct {
	base Timeouts // no zero fields
	sets []timeouts
	near []uint32 // set by zone
	far  map[Zone]uint32
	ids  map[Timeouts]uint32
}

const nearZones = 1 << 20

func newZoneTimeouts(base Timeouts) zoneTimeouts {
	return zoneTimeouts{base: base, sets: []timeouts{base.table()}}
}

// of returns the timeouts of the zone.
func (t *zoneTimeouts) of(z Zone) *timeouts {
	if int(z) < len(t.near) {
		return &t.sets[t.near[z]]
	}
	if t.far == nil {
		return &t.sets[0]
	}
	return &t.sets[t.far[z]]
}

func (t *zoneTimeouts) set(z Zone, to Timeouts) {
	to = to.resolve(t.base)
	var id uint32
	if to != t.base {
		var ok bool
		if id, ok = t.ids[to]; !ok {
			if t.ids == nil {
				t.ids = map[Timeouts]uint32{}
			}
			id = uint32(len(t.sets))
			t.ids[to] = id
			t.sets = append(t.sets, to.table())
		}
	}
	switch {
	case z < nearZones:
		if id == 0 && int(z) >= len(t.near) {
			return
		}
		if n := int(z) + 1; n > len(t.near) {
			t.near = append(t.near, make([]uint32, n-len(t.near))...)
		}
		t.near[z] = id
	case id == 0:
		delete(t.far, z)
	default:
		if t.far == nil {
			t.far = map[Zone]uint32{}
		}
		t.far[z] = id
	}
}

func (t *zoneTimeouts) clone() zoneTimeouts {
	c := *t
	c.sets, c.near = slices.Clone(t.sets), slices.Clone(t.near)
	c.far, c.ids = maps.Clone(t.far), maps.Clone(t.ids)
	return c
}

// SetTimeouts sets the timeouts of connections that are opened or refreshed in
// the zone from now on. Zero fields mean the table's own. Its error is a
// [*TimeoutError], and then nothing has changed.
func (t *Table) SetTimeouts(z Zone, to Timeouts) error {
	if err := to.check(t.profile); err != nil {
		return err
	}
	t.timeouts.set(z, to)
	return nil
}
