package diff

import (
	"fmt"
	"strconv"
	"time"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/sg"
)

// A Timeout is an idle timeout that differs at an interface of both policies, in the AWS
// profile.
type Timeout struct {
	ENI           sg.ENIID
	Name          string // "tcp-established", "udp" or "udp-stream"
	Before, After time.Duration
}

// timeouts returns how the idle timeouts of an interface differ.
func timeouts(id sg.ENIID, before, after conntrack.Timeouts) (all []Timeout) {
	for _, t := range [...]Timeout{
		{id, "tcp-established", before.TCPEstablished, after.TCPEstablished},
		{id, "udp", before.UDP, after.UDP},
		{id, "udp-stream", before.UDPStream, after.UDPStream},
	} {
		if t.Before != t.After {
			all = append(all, t)
		}
	}
	return all
}

// timeouts are notes about idle timeouts, those that change alike as one.
func (t *text) timeouts(d *Diff) (all []string) {
	enis := map[Timeout][]sg.ENIID{} // without their interface
	var order []Timeout
	for _, one := range d.Timeouts {
		id := one.ENI
		if one.ENI = ""; enis[one] == nil {
			order = append(order, one)
		}
		enis[one] = append(enis[one], id)
	}
	for _, one := range order {
		all = append(all, fmt.Sprintf("idle timeout %s of %s: %s, then %s", one.Name, t.enis(enis[one]), seconds(one.Before), seconds(one.After)))
	}
	return all
}

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + " s" }
