package page

import (
	"fmt"
	"slices"

	"github.com/sgsim/sgsim/sg/internal/prose"
)

// MaxRows is how many rows a table shows.
const MaxRows = 1000

// A Table is a table that sorts and filters. Its rows come in the order of the report.
type Table struct {
	ID      string
	Caption string
	Columns []Column
	Rows    []Row

	// More says what is not among the rows, "" if nothing is missing.
	More string

	// Why is what the button that opens an explanation says; "" without explanations.
	Why string

	// Empty is what stands there without rows; "" means that the caption says it.
	Empty string

	// Closed tables are opened by those who want them.
	Closed string
}

// A Column is a column: of numbers, of code, or of words.
type Column struct {
	Name   string
	Number bool
	Code   bool
}

// A Row is a row: as many cells as there are columns.
type Row struct {
	Cells []Cell
	Why   string // the explanation, several lines; "" for none
}

// A Cell is a text, with a mark before it where it has one.
type Cell struct {
	Mark Mark
	Text string
}

// Text and numbers as cells.
func T(s string) Cell            { return Cell{Text: s} }
func N(n uint64) Cell            { return Cell{Text: prose.Number(n)} }
func M(m Mark, s string) Cell    { return Cell{m, s} }
func Cells(cells ...Cell) []Cell { return cells }

// Span is how many columns an explanation is wide.
func (t Table) Span() int {
	if t.Why != "" {
		return len(t.Columns) + 1
	}
	return len(t.Columns)
}

// Column returns the i-th column.
func (t Table) Column(i int) Column { return t.Columns[i] }

// Most returns the first MaxRows of all by an order, in the order in which they came,
// and says what is left out: "" for nothing.
func Most[T any](all []T, before func(a, b T) bool, noun, which string) ([]T, string) {
	if len(all) <= MaxRows {
		return all, ""
	}
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		switch {
		case before(all[i], all[j]):
			return -1
		case before(all[j], all[i]):
			return 1
		}
		return 0
	})
	order = order[:MaxRows]
	slices.Sort(order)
	most := make([]T, len(order))
	for i, at := range order {
		most[i] = all[at]
	}
	return most, fmt.Sprintf("%s of %s are shown: %s.", prose.Number(MaxRows), Count(uint64(len(all)), noun), which)
}
