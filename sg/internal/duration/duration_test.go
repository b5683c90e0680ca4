package duration

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestText(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"10 ms":       10 * time.Millisecond,
		"2.56 s":      2560 * time.Millisecond,
		"1 min":       time.Minute,
		"1 min 30 s":  90 * time.Second,
		"2 min":       119999 * time.Millisecond,
		"1 h":         time.Hour,
		"47 h 59 min": 2*day - time.Minute,
		"2 d":         2 * day,
		"2 d 1 h":     49 * time.Hour,
		"5 d":         5*day - time.Millisecond,
		"729 d 23 h":  2*year - time.Hour,
		"3 y":         26280 * time.Hour,
		"3 y 31 d":    3*year + 31*day,
		"292 y 171 d": math.MaxInt64,
		"1 h 20 min":  80 * time.Minute,
		"3 d":         3*day + time.Minute,
		"60 min":      time.Hour - 1,
		"2 y":         2 * year,
		"5 y":         5*year - 1,
	} {
		assert.Equal(t, want, Text(d))
	}
}
