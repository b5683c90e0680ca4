// Package duration writes lengths of time for people.
package duration

import (
	"fmt"
	"strconv"
	"time"
)

const (
	day  = 24 * time.Hour
	year = 365 * day
)

// Text is a length of time in at most two units: "10 ms", "2.56 s", "1 h 20 min", "2 d 1 h",
// "3 y 31 d". A day has 24 hours and a year 365 days. What is below a minute has four digits,
// anything longer is rounded to the smaller unit.
func Text(d time.Duration) string {
	switch {
	case d < time.Second:
		return strconv.FormatFloat(float64(d)/1e6, 'g', 4, 64) + " ms"
	case d < time.Minute:
		return strconv.FormatFloat(d.Seconds(), 'g', 4, 64) + " s"
	case d < time.Hour:
		return pair(d.Round(time.Second), time.Minute, "min", time.Second, "s")
	case d < 2*day:
		return pair(d.Round(time.Minute), time.Hour, "h", time.Minute, "min")
	case d < 2*year:
		return pair(d.Round(time.Hour), day, "d", time.Hour, "h")
	}
	return pair(d.Round(day), year, "y", day, "d")
}

func pair(d, big time.Duration, bigName string, small time.Duration, smallName string) string {
	s := fmt.Sprintf("%d %s", d/big, bigName)
	if rest := d % big / small; rest > 0 {
		s += fmt.Sprintf(" %d %s", rest, smallName)
	}
	return s
}
