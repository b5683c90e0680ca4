package peers

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sgsim/sgsim/bench/corpus"
	"github.com/sgsim/sgsim/bench/measure"
	"github.com/sgsim/sgsim/packet"
)

// BenchmarkEvaluateKernel sends frames into one end of a veth pair, through the
// forward hook of a router's namespace, to the end of another pair where they are
// discarded. Each case stands beside the same path without rules, window by
// window; ns/pkt is the difference, ns-total/pkt the whole with its two devices,
// routing and system calls.
func BenchmarkEvaluateKernel(b *testing.B) {
	if os.Geteuid() != 0 {
		b.Skip("needs root for network namespaces")
	}
	for _, tool := range []string{"ip", "nft", "conntrack"} {
		if _, err := exec.LookPath(tool); err != nil {
			b.Skip(tool, "is not installed")
		}
	}
	if out, err := exec.Command("unshare", "--net", "nft", "add", "table", "ip", "probe").CombinedOutput(); err != nil {
		b.Skipf("no network namespaces or no nf_tables here: %v: %s", err, out)
	}
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt)
	defer signal.Stop(interrupted)
	go func() {
		<-interrupted // namespaces outlive the process
		for _, ns := range []string{"pc", "pr", "ps", "rc", "rr", "rs"} {
			_ = exec.Command("ip", "netns", "del", namespaces+ns).Run()
		}
		os.Exit(1)
	}()
	sizes, counts := []int{1, 10_000, 200_000}, measure.Rules()
	if testing.Short() {
		sizes, counts = sizes[:1], counts[:1]
	}
	for _, n := range sizes {
		b.Run(fmt.Sprintf("impl=nftables/path=established/hops=1/family=v4/proto=tcp/rules=300/conns=%d", n), func(b *testing.B) {
			benchKernel(b, kernelCase{rules: 300, conns: n})
		})
	}
	for _, n := range counts {
		b.Run(fmt.Sprintf("impl=nftables/path=new/hops=1/family=v4/proto=tcp/rules=%d", n), func(b *testing.B) {
			benchKernel(b, kernelCase{rules: n})
		})
	}
}

// namespaces begins the names of all of this process.
var namespaces = fmt.Sprintf("sgsim-bench-%d-", os.Getpid())

type kernelCase struct {
	rules int // the last of them admits
	conns int // established ones that packets are drawn from; 0: each packet opens one
}

// window is how many packets are sent between two looks at the clock.
const window = 4096

func benchKernel(b *testing.B, c kernelCase) {
	plain, ruled := newRouter(b, "p"), newRouter(b, "r")
	ruled.load(b, ruleset(c.rules))
	rng := rand.New(rand.NewPCG(5, 5))
	flow := func(i uint64) corpus.Flow { return corpus.FlowN(packet.IPv4, packet.TCP, i) }
	if c.conns > 0 {
		for _, s := range []struct {
			from  *sender
			reply bool
			flags packet.TCPFlags
		}{{ruled.client, false, packet.SYN}, {ruled.server, true, packet.SYN | packet.ACK}, {ruled.client, false, packet.ACK}} {
			for i := 0; i < c.conns; i += window {
				var frames [][]byte
				for j := i; j < min(i+window, c.conns); j++ {
					fl := flow(uint64(j))
					frames = append(frames, fl.AppendFrame(nil, s.reply, s.flags, 64))
				}
				s.from.send(b, frames)
			}
		}
		if got := ruled.connections(b); got < c.conns*99/100 {
			b.Skipf("the kernel keeps %d of %d connections: nf_conntrack_max or memory", got, c.conns)
		}
	}
	var opened uint64
	frames := make([][]byte, window)
	draw := func() {
		for i := range frames {
			if c.conns > 0 {
				fl := flow(rng.Uint64N(uint64(c.conns)))
				frames[i] = fl.AppendFrame(frames[i][:0], false, packet.ACK, 64)
			} else {
				fl := flow(opened)
				frames[i] = fl.AppendFrame(frames[i][:0], false, packet.SYN, 64)
				opened++
			}
		}
	}
	before := ruled.delivered(b)
	sent := 0
	var differences, totals []float64
	for b.Loop() {
		draw()
		if c.conns == 0 && opened%(20*window) == 0 {
			ruled.flush(b)
		}
		base := plain.client.send(b, frames)
		with := ruled.client.send(b, frames)
		sent += window
		differences = append(differences, float64(with-base)/window)
		totals = append(totals, float64(with)/window)
	}
	if got := ruled.delivered(b) - before; got < sent*99/100 {
		b.Fatalf("%d of %d packets came through", got, sent)
	}
	b.ReportMetric(0, "ns/op") // of two routers and the making of frames: says nothing
	b.ReportMetric(median(differences), "ns/pkt")
	b.ReportMetric(median(totals), "ns-total/pkt")
}

func median(x []float64) float64 {
	slices.Sort(x)
	return x[len(x)/2]
}

// ruleset admits what is established, else asks n rules of which the last admits
// connections to the server.
func ruleset(n int) string {
	var s strings.Builder
	s.WriteString("table ip filter {\n chain forward {\n  type filter hook forward priority 0; policy drop;\n")
	s.WriteString("  ct state established accept\n")
	rng := rand.New(rand.NewPCG(6, 6))
	for range n - 1 {
		fmt.Fprintf(&s, "  ip saddr %d.%d.0.0/16 tcp dport %d accept\n", 11+rng.IntN(200), rng.IntN(256), 1024+rng.IntN(60000))
	}
	fmt.Fprintf(&s, "  ip saddr %s tcp dport %d accept\n }\n}\n", corpus.ClientNet4, corpus.ServerPort)
	return s.String()
}

// A router is three network namespaces in a row: client, router, server.
type router struct {
	name           string // prefix of the namespaces
	client, server *sender
}

// newRouter makes the namespaces and removes them with the benchmark.
func newRouter(b *testing.B, name string) *router {
	r := &router{name: namespaces + name}
	for _, ns := range []string{"c", "r", "s"} {
		run(b, "", "ip", "netns", "add", r.name+ns)
		b.Cleanup(func() { run(b, "", "ip", "netns", "del", r.name+ns) })
	}
	// The frames of package corpus carry these two MAC addresses.
	const router, host = "02:00:00:00:00:01", "02:00:00:00:00:02"
	for i, ns := range []string{"c", "s"} {
		dev := "r" + ns
		run(b, "", "ip", "-n", r.name+"r", "link", "add", dev, "address", router, "type", "veth", "peer", "name", "host", "address", host, "netns", r.name+ns)
		run(b, "", "ip", "-n", r.name+"r", "addr", "add", fmt.Sprintf("172.31.%d.1/30", i), "dev", dev)
		run(b, "", "ip", "-n", r.name+"r", "link", "set", dev, "up")
		run(b, "", "ip", "-n", r.name+ns, "link", "set", "host", "up")
		next := fmt.Sprintf("172.31.%d.2", i)
		run(b, "", "ip", "-n", r.name+"r", "neigh", "replace", next, "lladdr", host, "dev", dev, "nud", "permanent")
		to := []string{corpus.ClientNet4.String(), corpus.Server4.String()}[i]
		run(b, "", "ip", "-n", r.name+"r", "route", "add", to, "via", next)
		// What arrives at the far end has done its work.
		run(b, "table netdev sink {\n chain in {\n  type filter hook ingress device host priority 0;\n  drop\n }\n}\n",
			"ip", "netns", "exec", r.name+ns, "nft", "-f", "-")
	}
	for _, key := range []string{"net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.rc.rp_filter=0", "net.ipv4.conf.rs.rp_filter=0"} {
		run(b, "", "ip", "netns", "exec", r.name+"r", "sysctl", "-qw", key)
	}
	r.client, r.server = newSender(b, r.name+"c"), newSender(b, r.name+"s")
	return r
}

func (r *router) load(b *testing.B, rules string) {
	run(b, rules, "ip", "netns", "exec", r.name+"r", "nft", "-f", "-")
}

func (r *router) flush(b *testing.B) {
	run(b, "", "ip", "netns", "exec", r.name+"r", "conntrack", "-F")
}

func (r *router) connections(b *testing.B) int {
	return number(b, run(b, "", "ip", "netns", "exec", r.name+"r", "conntrack", "-C"))
}

// delivered is how many packets the server's end has received.
func (r *router) delivered(b *testing.B) int {
	return number(b, run(b, "", "ip", "netns", "exec", r.name+"s", "cat", "/sys/class/net/host/statistics/rx_packets"))
}

func number(b *testing.B, s string) int {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil {
		b.Fatal(err)
	}
	return n
}

func run(b *testing.B, stdin, name string, args ...string) string {
	b.Helper()
	c := exec.Command(name, args...)
	c.Stdin = strings.NewReader(stdin)
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		b.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}

// A sender puts frames on the device of a namespace.
type sender struct {
	fd   int
	msgs []mmsghdr
	iovs []unix.Iovec
}

// An mmsghdr is the kernel's struct of that name.
type mmsghdr struct {
	hdr unix.Msghdr
	len uint32
	_   [4]byte
}

// newSender opens a packet socket on the device "host" of the namespace.
func newSender(b *testing.B, ns string) *sender {
	fds, errs := make(chan int, 1), make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlock: the thread ends with the goroutine, and its namespace with it
		fd, err := packetSocket(filepath.Join("/run/netns", ns))
		fds <- fd
		errs <- err
	}()
	fd, err := <-fds, <-errs
	if err != nil {
		b.Skip("packet socket:", err)
	}
	b.Cleanup(func() { unix.Close(fd) })
	return &sender{fd: fd}
}

func packetSocket(ns string) (int, error) {
	f, err := os.Open(ns)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if err := unix.Setns(int(f.Fd()), unix.CLONE_NEWNET); err != nil {
		return 0, err
	}
	dev, err := net.InterfaceByName("host")
	if err != nil {
		return 0, err
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	// Straight to the device, as a network card's ring is served.
	if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1); err != nil {
		return fd, err
	}
	return fd, unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: dev.Index})
}

// send sends the frames and returns how long that took. veth hands a packet to
// the other end within the sender's system call, or right after on the same
// processor.
func (s *sender) send(b *testing.B, frames [][]byte) time.Duration {
	const batch = 32 // far below the backlog that the far end may let grow
	s.iovs = slices.Grow(s.iovs[:0], len(frames))[:len(frames)]
	s.msgs = slices.Grow(s.msgs[:0], len(frames))[:len(frames)]
	for i, f := range frames {
		s.iovs[i].Base = &f[0]
		s.iovs[i].SetLen(len(f))
		s.msgs[i].hdr.Iov = &s.iovs[i]
		s.msgs[i].hdr.SetIovlen(1)
	}
	start := time.Now()
	for i := 0; i < len(frames); {
		n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&s.msgs[i])), uintptr(min(batch, len(frames)-i)), 0, 0, 0)
		switch errno {
		case 0:
			i += int(n)
		case unix.EINTR, unix.ENOBUFS, unix.EAGAIN:
		default:
			b.Fatal("sendmmsg:", errno)
		}
	}
	return time.Since(start)
}
