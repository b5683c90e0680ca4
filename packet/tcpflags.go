package packet

// TCPFlags are the flag bits of a TCP header, as in its 14th byte.
type TCPFlags uint8

// The eight flags.
const (
	FIN TCPFlags = 1 << iota
	SYN
	RST
	PSH
	ACK
	URG
	ECE
	CWR
)

const flagLetters = "FSRPAUEC"

// String returns one letter per flag in the order FSRPAUEC, "SA" for SYN and ACK,
// and "-" if none is set.
func (f TCPFlags) String() string { return string(f.append(nil)) }

// AppendText appends what String returns. The error is always nil.
func (f TCPFlags) AppendText(b []byte) ([]byte, error) { return f.append(b), nil }

func (f TCPFlags) append(b []byte) []byte {
	if f == 0 {
		return append(b, '-')
	}
	for i := range len(flagLetters) {
		if f&(1<<i) != 0 {
			b = append(b, flagLetters[i])
		}
	}
	return b
}
