// Package packetlog writes what became of each packet of a replay, as it happens. Its
// types are observers for [replay.Options]:
//
//	log := packetlog.NewJSONL(os.Stdout)
//	report, err := replay.Run(ctx, policy, &replay.Options{Observer: log}, file)
//	if err := errors.Join(err, log.Flush()); err != nil {
//		return err
//	}
//
// [Text] is for people and [JSONL] for programs. [FlowLog] is what AWS would have logged,
// [Annotated] is for Wireshark, and [Split] sorts packets into two captures. Use each from
// one goroutine at a time, and for one replay.
package packetlog

import (
	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/replay"
)

// bufferSize is how much of an output, in bytes, is written at once.
const bufferSize = 64 << 10

// A hopKey is all that outputs say of a hop, without gaps, which cost time to hash.
type hopKey struct {
	enforcer  *sg.Enforcer
	rule      sg.RuleRef
	direction sg.Direction
	verdict   sg.Verdict
	reason    sg.Reason
	dir       conntrack.Direction
	refused   bool
}

// texts are what an output says of something, each made once. The zero texts holds none.
type texts[K comparable] struct {
	made map[K]string
	held int // bytes of them
}

// maxHeld bounds the texts that an output keeps, in bytes: there may be as many as
// interfaces times rules, and names may be of any length.
const maxHeld = 16 << 20

// keep holds the text for a key. If that would exceed maxHeld, all others are forgotten.
func (t *texts[K]) keep(key K, text string) {
	size := len(text) + 128 // about what the map takes for it
	if t.held += size; t.made == nil || t.held > maxHeld {
		t.made, t.held = map[K]string{}, size
	}
	t.made[key] = text
}

// hopTexts are the texts of hops.
type hopTexts struct {
	texts[hopKey]
	last [2]struct { // by direction: most packets are like the one before
		key  hopKey
		text string
	}
}

// of returns the text of a hop, made by say unless it is held.
func (t *hopTexts) of(p *replay.Packet, hop *sg.Hop, say func(*replay.Packet, *sg.Hop) string) string {
	d := &hop.Decision
	key := hopKey{hop.Enforcer, d.Rule, hop.Direction, d.Verdict, d.Reason, d.Dir, p.Refused}
	last := &t.last[hop.Direction&1]
	if last.key == key && last.text != "" {
		return last.text
	}
	text, ok := t.made[key]
	if !ok {
		text = say(p, hop)
		t.keep(key, text)
	}
	last.key, last.text = key, text
	return text
}
