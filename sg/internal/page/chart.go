package page

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sgsim/sgsim/sg/internal/duration"
	"github.com/sgsim/sgsim/sg/internal/prose"
)

// A Chart is how counts change over time: a lane for each kind, over the same slots.
type Chart struct {
	Label string
	Unit  string // "packet"
	Start time.Time
	Width time.Duration // of a slot, whole milliseconds
	Lanes []Lane
}

// A Lane is the counts of one kind, by slot.
type Lane struct {
	Mark  Mark
	Name  string
	Slots []uint64
}

// The size of a lane's drawing, in units of its own: it is stretched to the page.
const (
	laneWidth  = 1000
	laneHeight = 100
)

// Path is the drawing of a lane: a step for each slot, and never so low that it does not
// show.
func (l Lane) Path() string {
	most := l.Most()
	var b strings.Builder
	fmt.Fprintf(&b, "M0,%d", laneHeight)
	last := uint64(0)
	for i, n := range l.Slots {
		if n != last {
			fmt.Fprintf(&b, "H%sV%d", units(i, len(l.Slots)), height(n, most))
		}
		last = n
	}
	fmt.Fprintf(&b, "H%dV%dZ", laneWidth, laneHeight)
	return b.String()
}

// units is where a slot begins, in tenths.
func units(i, n int) string {
	x := 10 * laneWidth * i / n
	s := strconv.Itoa(x / 10)
	if x%10 != 0 {
		s += "." + strconv.Itoa(x%10)
	}
	return s
}

func height(n, most uint64) int {
	if n == 0 {
		return laneHeight
	}
	return laneHeight - max(3, int(float64(n)/float64(most)*(laneHeight-2)))
}

// Most is the largest count of a slot.
func (l Lane) Most() (most uint64) {
	for _, n := range l.Slots {
		most = max(most, n)
	}
	return most
}

// total is the sum of a lane.
func (l Lane) total() (sum uint64) {
	for _, n := range l.Slots {
		sum += n
	}
	return sum
}

// Peak says how high a lane goes.
func (c *Chart) Peak(l Lane) string {
	if l.Most() == 0 {
		return "none"
	}
	return fmt.Sprintf("%s, at most %s in %s", Count(l.total(), c.Unit), prose.Number(l.Most()), Span(c.Width))
}

// Span is a length of time: "10 ms", "2.56 s", "1 h 20 min".
func Span(d time.Duration) string { return duration.Text(d) }

// Slots is how many slots a chart has.
func (c *Chart) Slots() int {
	if len(c.Lanes) == 0 {
		return 0
	}
	return len(c.Lanes[0].Slots)
}

// End is when the last slot ends.
func (c *Chart) End() time.Time { return c.Start.Add(time.Duration(c.Slots()) * c.Width) }

// From and To are the ends of the axis.
func (c *Chart) From() string { return Time(c.Start) }
func (c *Chart) To() string   { return Time(c.End()) }

// Series is what the script draws when somebody looks closer.
func (c *Chart) Series() any {
	type lane struct {
		Slots []uint64 `json:"slots"`
	}
	out := struct {
		Unit  string `json:"unit"`
		Start int64  `json:"start"` // Unix milliseconds
		Width int64  `json:"width"` // milliseconds
		Lanes []lane `json:"lanes"`
	}{c.Unit, c.Start.UnixMilli(), c.Width.Milliseconds(), nil}
	for _, l := range c.Lanes {
		out.Lanes = append(out.Lanes, lane{l.Slots})
	}
	return out
}

// tableRows is how many rows the table beside a chart has, at most.
const tableRows = 60

// Table is the chart in words: slots that lie together, where there are many.
func (c *Chart) Table() Table {
	each := (c.Slots() + tableRows - 1) / tableRows
	each = max(1, each)
	t := Table{
		ID: "over-time-table", Caption: fmt.Sprintf("%ss by time, %s a row", c.Unit, Span(time.Duration(each)*c.Width)),
		Columns: []Column{{Name: "From (UTC)"}}, Closed: "The same as a table",
	}
	for _, l := range c.Lanes {
		t.Columns = append(t.Columns, Column{Name: l.Name, Number: true})
	}
	for i := 0; i < c.Slots(); i += each {
		row := Row{Cells: Cells(T(Time(c.Start.Add(time.Duration(i) * c.Width))))}
		for _, l := range c.Lanes {
			var sum uint64
			for _, n := range l.Slots[i:min(i+each, len(l.Slots))] {
				sum += n
			}
			row.Cells = append(row.Cells, N(sum))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}
