package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An interrupt ends the wait for a named pipe, before and after somebody opens its
// other end.
func TestInterruptPipe(t *testing.T) {
	t.Parallel()
	topology := vpc(t)
	for _, opened := range []bool{false, true} {
		fifo := filepath.Join(t.TempDir(), "fifo")
		require.NoError(t, syscall.Mkfifo(fifo, 0o600))
		cmd := exec.Command(sgsim, "replay", "-format", "none", "-topology", topology, fifo)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		require.NoError(t, cmd.Start())
		if opened {
			w, err := os.OpenFile(fifo, os.O_WRONLY, 0)
			require.NoError(t, err)
			defer w.Close()
		}
		idle(t, cmd.Process.Pid)
		require.NoError(t, cmd.Process.Signal(os.Interrupt))
		stuck := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
		assert.Error(t, cmd.Wait())
		stuck.Stop()
		assert.Equal(t, exitInterrupted, cmd.ProcessState.ExitCode())
		assert.Equal(t, "interrupted\n", stderr.String())
	}
}
