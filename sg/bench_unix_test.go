//go:build unix

package sg_test

import (
	"syscall"
	"time"
)

func init() {
	processorTime = func() time.Duration {
		var u syscall.Rusage
		syscall.Getrusage(syscall.RUSAGE_SELF, &u)
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
}
