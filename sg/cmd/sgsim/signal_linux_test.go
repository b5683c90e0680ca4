package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An interrupt while standard input is silent gives the report so far.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	for _, workers := range []string{"1", "3"} {
		cmd := exec.Command(sgsim, "replay", "-format", "jsonl", "-workers", workers, "-topology", vpc(t), "-")
		end, in, err := os.Pipe()
		require.NoError(t, err)
		cmd.Stdin = end
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		require.NoError(t, cmd.Start())
		_, err = in.Write(pcap(t, askWeb, askSSH))
		require.NoError(t, err)
		require.Eventually(t, func() bool { return unread(t, end) == 0 }, time.Minute, 10*time.Millisecond, "the packets are read")
		idle(t, cmd.Process.Pid)
		require.NoError(t, cmd.Process.Signal(os.Interrupt))
		assert.Error(t, cmd.Wait())
		assert.Equal(t, exitInterrupted, cmd.ProcessState.ExitCode())
		assert.Len(t, jsonLines(t, stdout.String()), 2)
		assert.Contains(t, stderr.String(), "2 packets")
		assert.True(t, strings.HasSuffix(stderr.String(), "interrupted\n"), "%s", stderr.String())
		in.Close()
		end.Close()
	}
}

// unread returns the number of bytes that wait in a pipe.
func unread(t *testing.T, pipe *os.File) (n int32) {
	_, _, e := syscall.Syscall(syscall.SYS_IOCTL, pipe.Fd(), syscall.TIOCINQ, uintptr(unsafe.Pointer(&n)))
	assert.Zero(t, e)
	return n
}

// idle returns when a process waits for something: none of its threads has run, or
// wanted to, at several looks.
func idle(t *testing.T, pid int) {
	looks := 0
	require.Eventually(t, func() bool {
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
		require.NoError(t, err)
		looks++
		for _, name := range threads {
			stat, _ := os.ReadFile(name) // "123 (sgsim) S ..."
			if _, state, _ := strings.Cut(string(stat), ") "); !strings.HasPrefix(state, "S") {
				looks = 0
			}
		}
		return looks > 5
	}, time.Minute, 50*time.Millisecond, "the process waits")
}

// terminalPair opens a pseudo-terminal: what the program gets, and what is on it.
func terminalPair(t *testing.T) (tty, screen *os.File) {
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals: %v", err)
	}
	ioctl := func(request uintptr, arg *int32) {
		_, _, e := syscall.Syscall(syscall.SYS_IOCTL, screen.Fd(), request, uintptr(unsafe.Pointer(arg)))
		require.Zero(t, e)
	}
	var unlock, number int32
	ioctl(syscall.TIOCSPTLCK, &unlock)
	ioctl(syscall.TIOCGPTN, &number)
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { tty.Close(); screen.Close() })
	return tty, screen
}

// onTerminal runs the program with standard output and error on a terminal and
// returns what is to be seen there.
func onTerminal(t *testing.T, env string, feed func(io.Writer), args ...string) string {
	tty, screen := terminalPair(t)
	cmd := exec.Command(sgsim, args...)
	cmd.Env = append(os.Environ(), "TERM=xterm", env)
	cmd.Stdout, cmd.Stderr = tty, tty
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	seen := make(chan string, 1)
	go func() {
		var b strings.Builder
		buf := make([]byte, 4096)
		for {
			n, err := screen.Read(buf)
			b.Write(buf[:n])
			if err != nil || strings.Contains(b.String(), "\x00end") {
				seen <- b.String()
				return
			}
		}
	}()
	require.NoError(t, cmd.Start())
	feed(in)
	require.NoError(t, in.Close())
	require.NoError(t, cmd.Wait())
	_, err = tty.WriteString("\x00end")
	require.NoError(t, err)
	return <-seen
}

func TestColor(t *testing.T) {
	nothing := func(io.Writer) {}
	packets, topology := pcapFile(t, askWeb, askSSH), vpc(t)
	seen := onTerminal(t, "X=", nothing, "replay", "-topology", topology, packets)
	assert.Contains(t, seen, "\x1b[32maccept\x1b[0m")
	assert.Contains(t, seen, "\x1b[31mdrop\x1b[0m")
	seen = onTerminal(t, "NO_COLOR=1", nothing, "replay", "-topology", topology, packets)
	assert.NotContains(t, seen, "\x1b")
	assert.Contains(t, seen, "accept")
}

// A long replay shows on a terminal how far it is, and takes that away again.
func TestProgress(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	t.Parallel()
	many := make([]string, 5000)
	for i := range many {
		many[i] = strangers
	}
	feed := func(w io.Writer) {
		b := pcap(t, many...)
		_, err := w.Write(b)
		require.NoError(t, err)
		time.Sleep(1500 * time.Millisecond)
		_, err = w.Write(b[24:])
		require.NoError(t, err)
	}
	seen := onTerminal(t, "X=", feed, "replay", "-format", "none", "-topology", vpc(t), "-")
	assert.Regexp(t, `\r\x1b\[K0\.0 million packets, .*\r\x1b\[K10000 packets`, seen)
	r := runWith(t, pcap(t, many...), "replay", "-format", "none", "-topology", vpc(t), "-")
	assert.Empty(t, r.stderr, "none elsewhere")
}

// What cannot be written is an error, whatever the format.
func TestFullDisk(t *testing.T) {
	topology, packets := vpc(t), pcapFile(t, askWeb)
	for _, format := range []string{"text", "none", "jsonl", "flowlog"} {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Skip(err)
		}
		cmd := exec.Command(sgsim, "replay", "-format", format, "-topology", topology, packets)
		var stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = full, &stderr
		assert.Error(t, cmd.Run())
		assert.Equal(t, exitInput, cmd.ProcessState.ExitCode(), format)
		assert.Contains(t, stderr.String(), "no space left on device", format)
		full.Close()
	}
	r := runSgsim(t, "replay", "-format", "none", "-accepted", "/dev/full", "-topology", topology, packets)
	assert.Equal(t, exitInput, r.status)
}
