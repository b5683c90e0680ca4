package conntrack

import (
	"maps"
	"slices"
	"time"

	"github.com/sgsim/sgsim/packet"
)

// Verdicts on first fragments are kept for this long, whatever follows (CTS-43):
// as long as Linux waits for the rest of a datagram.
const (
	fragmentTimeout4 = 30 * time.Second
	fragmentTimeout6 = 60 * time.Second

	// maxFragments bounds the verdicts kept for each family and part. The oldest
	// give way, as they do in Linux under a flood of fragments.
	maxFragments = 1 << 10
)

// CommitFragment remembers what was decided for the first fragment of a datagram,
// so that Track can answer for the later ones: 30 s for IPv4, 60 s for IPv6
// (CTS-43). The latest 1,024 verdicts of each family and each [Part] are kept. It
// ignores packets that are not a first fragment.
func (t *Table) CommitFragment(z Zone, h *packet.Header, now time.Time, accepted bool) {
	at := t.clock(now)
	t.now = at
	life := fragmentTimeout4
	if h.Family == packet.IPv6 {
		life = fragmentTimeout6
	}
	if h.MoreFrags && h.FragOffset == 0 {
		t.frags.put(z, h, at, fragmentVerdict{at + int64(life), accepted})
	}
}

// fragments are the verdicts of first fragments.
type fragments struct {
	verdicts map[fragmentKey]fragmentVerdict
	queues   [][2][]fragmentDeath // for each part: IPv4, IPv6, the first to die in front; nil before the first verdict
}

type fragmentKey struct {
	src, dst [16]byte
	id       uint32
	zone     Zone
	proto    packet.Protocol
	family   packet.Family
}

type fragmentVerdict struct {
	expires  int64
	accepted bool
}

// fragmentKeyOf returns what the fragments of a datagram have in common. IPv6
// fragments do not tell the protocol after further extension headers (RFC 8200,
// 4.5).
func fragmentKeyOf(z Zone, h *packet.Header) fragmentKey {
	k := fragmentKey{h.Src, h.Dst, h.FragID, z, h.Protocol, h.Family}
	if h.Family == packet.IPv6 {
		k.proto = 0
	}
	return k
}

func (f *fragments) get(z Zone, h *packet.Header, at int64) Result {
	r := uint64(Fragment)
	if v, ok := f.verdicts[fragmentKeyOf(z, h)]; ok && at < v.expires {
		r |= resultKnown
		if v.accepted {
			r |= resultAccepted
		}
	}
	return Result{r}
}

func (f *fragments) put(z Zone, h *packet.Header, at int64, v fragmentVerdict) {
	if f.verdicts == nil {
		f.verdicts = map[fragmentKey]fragmentVerdict{}
		f.queues = make([][2][]fragmentDeath, Parts)
	}
	q := &f.queues[Part(h)][0]
	if h.Family == packet.IPv6 {
		q = &f.queues[Part(h)][1]
	}
	// All verdicts in a queue live equally long, so the oldest dies first.
	for n := 0; len(*q) > 0 && (n < 2 && at >= (*q)[0].expires || len(*q) == maxFragments); n++ {
		old := (*q)[0]
		*q = (*q)[1:]
		if f.verdicts[old.key].expires == old.expires {
			delete(f.verdicts, old.key)
		}
	}
	k := fragmentKeyOf(z, h)
	f.verdicts[k] = v
	*q = append(*q, fragmentDeath{k, v.expires})
}

func (f *fragments) clone() fragments {
	c := fragments{maps.Clone(f.verdicts), slices.Clone(f.queues)}
	for i := range c.queues {
		for j, q := range c.queues[i] {
			c.queues[i][j] = slices.Clone(q)
		}
	}
	return c
}

type fragmentDeath struct {
	key     fragmentKey
	expires int64
}
