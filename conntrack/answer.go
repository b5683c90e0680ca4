package conntrack

// An answer is a Result in one word, which functions hand on without going
// through memory:
//
//	63 ... 32  30        29     28       27 ... 24  23 ... 16  15 ... 8  7 ... 0
//	tag        accepted  known  replied  why        state      dir       class
type answer uint64

const (
	answerReplied  answer = 1 << 28
	answerKnown    answer = 1 << 29
	answerAccepted answer = 1 << 30
)

// plain is the answer for a packet without connection.
func plain(c Class, w Why) answer { return answer(c) | answer(w)<<24 }

// about is the answer for a packet of the connection with the meta word.
func about(c Class, d Direction, w Why, meta uint64) answer {
	const tag = 0xffffffff << 32
	return answer(c) | answer(d)<<8 | answer(stateOf(meta))<<16 | answer(w)<<24 |
		answer(meta>>replyShift&1)*answerReplied | answer(meta&tag)
}

func (a answer) class() Class { return Class(a) }

// into unpacks the answer. It assigns field by field and in place, because a
// Result that is copied whole right after its bytes were written makes the
// processor wait.
func (a answer) into(r *Result) {
	r.Class = Class(a)
	r.Dir = Direction(a >> 8)
	r.State = State(a >> 16)
	r.Why = Why(a >> 24 & 0xf)
	r.Replied = a&answerReplied != 0
	r.Known = a&answerKnown != 0
	r.Accepted = a&answerAccepted != 0
	r.Tag = uint32(a >> 32)
}
