//go:build linux

package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// missing says what this machine lacks to run the example; "" is nothing.
func missing() string {
	if os.Geteuid() != 0 {
		return "needs root"
	}
	for _, tool := range []string{"ip", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			return "needs the command " + tool
		}
	}
	f, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0)
	if err != nil {
		return "needs TUN: " + err.Error()
	}
	f.Close()
	if err := addNamespace("sgsim-probe"); err != nil {
		return "needs network namespaces: " + err.Error()
	}
	removeNamespace("sgsim-probe")
	return ""
}

func addNamespace(name string) error { return run("ip", "netns", "add", nsName(name)) }

func removeNamespace(name string) error { return run("ip", "netns", "del", nsName(name)) }

// nsName keeps two runs at once apart.
func nsName(name string) string { return fmt.Sprintf("%s-%d", name, os.Getpid()) }

func run(name string, args ...string) error {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, out)
	}
	return nil
}

// A host is a network namespace whose only way out is a TUN device, which this
// process holds: every packet in or out passes through tun.
type host struct {
	name string
	addr string
	tun  *os.File
}

func newHost(name, addr string) (*host, error) {
	if err := addNamespace(name); err != nil {
		return nil, err
	}
	h := &host{name: name, addr: addr}
	var err error
	h.in(func() { h.tun, err = openTUN("eth0") })
	for _, args := range []string{"addr add " + addr + "/32 dev eth0", "link set eth0 up", "route add default dev eth0"} {
		if err == nil {
			err = run("ip", append([]string{"-n", nsName(name)}, strings.Fields(args)...)...)
		}
	}
	if err != nil {
		h.close()
		return nil, err
	}
	return h, nil
}

func (h *host) close() {
	if h.tun != nil {
		h.tun.Close()
	}
	if err := removeNamespace(h.name); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

// in runs f on a thread inside the namespace. What f opens stays there; the
// thread ends with the goroutine, so that no other Go code ever runs on it.
func (h *host) in(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		ns, err := os.Open("/run/netns/" + nsName(h.name))
		if err == nil {
			err = unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET)
			ns.Close()
		}
		if err != nil {
			panic(err) // never run f outside
		}
		f()
	}()
	<-done
}

// openTUN makes a TUN device in the thread's namespace. Reads and writes are one
// IP packet each, without a link header.
func openTUN(name string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	req, err := unix.NewIfreq(name)
	if err == nil {
		req.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, req)
	}
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("TUN device %s: %w", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil // nonblocking: Close ends a Read
}

// carry moves packets from one host to another until one of them is closed. What
// pass refuses is gone without a trace, as behind a security group.
func carry(from, to *host, pass func(ip []byte) bool) {
	buf := make([]byte, 65536)
	for {
		n, err := from.tun.Read(buf)
		if err != nil {
			return
		}
		if pass(buf[:n]) {
			if _, err := to.tun.Write(buf[:n]); err != nil {
				return
			}
		}
	}
}

// listen opens a TCP port inside the namespace.
func (h *host) listen(port string) (l net.Listener, err error) {
	h.in(func() { l, err = net.Listen("tcp", net.JoinHostPort(h.addr, port)) })
	return l, err
}

// curl runs curl inside the namespace and returns what it printed, or
// "timeout" where no answer came within the seconds.
func (h *host) curl(seconds, url string) string {
	out, err := exec.Command("ip", "netns", "exec", nsName(h.name),
		"curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", seconds, url).CombinedOutput()
	if exit, ok := err.(*exec.ExitError); ok && exit.ExitCode() == 28 {
		return "timeout"
	}
	if err != nil {
		return fmt.Sprintf("%v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}
