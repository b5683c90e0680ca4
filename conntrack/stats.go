package conntrack

// Stats counts what happened to a table since it was made.
//
// Inserted is at all times the sum of Expired, Deleted and Entries.
type Stats struct {
	Inserted uint64
	Expired  uint64 // freed after they had expired
	Deleted  uint64 // gone earlier: by DeleteFunc, by a RST before any reply, by a SYN that opens the tuple again
	Refused  uint64 // commits refused at a maximum

	Entries               int // as Len
	ByState               [Stream + 1]int
	TCP, UDP, ICMP, Other int // entries by protocol; ICMP and ICMPv6 count together
}
