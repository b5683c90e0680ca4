package conntrack

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/sgsim/sgsim/packet"
)

var (
	kernelRuns = flag.Int("kernel", 2000, "random sequences for the table and the kernel")
	kernelSeed = flag.Uint64("kernelseed", 1, "first seed of them")
)

// TestKernel sends random packets through connection tracking of the running
// kernel and through the table, and compares after every packet what it was
// (ct state and direction) and all entries: tuple, TCP state, flags and timeout.
//
// It works in a network namespace that belongs to one thread and disappears with
// it: two veth pairs, a router between them, and nftables that writes the answer
// of ct state into the DSCP of what it forwards.
func TestKernel(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root to make a network namespace")
	}
	for _, tool := range []string{"ip", "nft"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("needs %s (Debian: iproute2, nftables): %v", tool, err)
		}
	}
	runs := *kernelRuns
	if testing.Short() {
		runs = min(runs, 200)
	}
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread takes the namespace with it
		done <- kernelRun(t, runs, *kernelSeed)
	}()
	switch err := <-done; {
	case errors.Is(err, errNoNamespace):
		t.Skip(err)
	case err != nil:
		t.Fatal(err)
	}
}

var errNoNamespace = errors.New("cannot make a network namespace with connection tracking")

func kernelRun(t *testing.T, runs int, seed uint64) error {
	k, err := newKernel()
	if err != nil {
		return err
	}
	defer k.close()
	start, packets := time.Now(), 0
	for i := range uint64(runs) {
		err := steady(func() (time.Duration, error) {
			n, err := k.sequence(seed + i)
			packets += n
			return 0, err
		})
		if err != nil {
			return fmt.Errorf("-kernel 1 -kernelseed %d: %w", seed+i, err)
		}
	}
	t.Logf("%d sequences of %d packets in %v", runs, packets, time.Since(start).Round(time.Millisecond))
	if !*long || testing.Short() {
		return nil
	}
	for _, p := range []packet.Protocol{packet.UDP, packet.TCP} {
		err := steady(func() (time.Duration, error) { return k.overTime(p, seed) })
		if err != nil {
			return fmt.Errorf("%v over time: %w", p, err)
		}
	}
	return nil
}

// steady calls f, which returns how long it slept, and again if it finds a difference and
// took 400 ms more: on a machine that stalls, the kernel and the table do not see a packet
// at the same time, and a connection may have died or become a stream in between. A
// difference that is not due to that comes back.
func steady(f func() (time.Duration, error)) error {
	for try := 1; ; try++ {
		start := time.Now()
		slept, err := f()
		if err == nil || try == 10 || time.Since(start) < slept+400*time.Millisecond {
			return err
		}
	}
}

// A kernel is a router with connection tracking between two wires.
type kernel struct {
	wires [2]int // packet sockets at the far ends
	ct    int    // netlink socket
	seq   uint32
	buf   []byte
	slow  time.Duration // the longest that a packet took since the last flush
}

var (
	kernelAddrs = [2][]netip.Addr{
		{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("fd00:a::1")},
		{netip.MustParseAddr("10.0.1.1"), netip.MustParseAddr("10.0.1.2"), netip.MustParseAddr("fd00:b::1")},
	}
	kernelMACs = [2]net.HardwareAddr{{2, 0, 0, 0, 0, 0x10}, {2, 0, 0, 0, 0, 0x11}} // of the routers' neighbours, and nobody's
	routerMACs = [2]net.HardwareAddr{{2, 0, 0, 0, 0, 0x20}, {2, 0, 0, 0, 0, 0x21}}
)

// Answers of ct state, as they come back in the DSCP.
var kernelStates = []string{
	1: "INVALID ", 2: "NEW original", 3: "ESTABLISHED original", 4: "ESTABLISHED reply",
	5: "RELATED original", 6: "RELATED reply", 7: "UNTRACKED ",
}

func newKernel() (*kernel, error) {
	if err := syscall.Unshare(syscall.CLONE_NEWNET); err != nil {
		return nil, fmt.Errorf("%w: %w", errNoNamespace, err)
	}
	var script strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&script, format+"\n", args...) }
	for i, side := range []string{"a", "b"} {
		line("link add w%s type veth peer name r%s", side, side)
		line("link set w%s addrgenmode none up", side)
		line("link set r%s addrgenmode none address %v up", side, routerMACs[i])
		line("addr add 10.0.%d.254/24 dev r%s", i, side)
		line("addr add fd00:%s::fe/64 dev r%s nodad", side, side)
		for _, a := range kernelAddrs[i] {
			line("neigh add %v lladdr %v dev r%s nud permanent", a, kernelMACs[i], side)
		}
	}
	if err := run("ip", script.String(), "-batch", "-"); err != nil {
		return nil, fmt.Errorf("%w: %w", errNoNamespace, err)
	}
	script.Reset()
	line("table inet sgsim { chain c { type filter hook prerouting priority -150")
	for i, when := range []string{
		1: "ct state invalid", 2: "ct state new", 3: "ct state established ct direction original",
		4: "ct state established ct direction reply", 5: "ct state related ct direction original",
		6: "ct state related ct direction reply", 7: "ct state untracked",
	} {
		if when != "" {
			line("%s ip dscp set %d", when, i)
			line("%s ip6 dscp set %d", when, i)
		}
	}
	line("}\n}")
	if err := run("nft", script.String(), "-f", "-"); err != nil {
		return nil, fmt.Errorf("%w: %w", errNoNamespace, err)
	}
	for name, value := range map[string]string{
		"ipv4/ip_forward":                                "1",
		"ipv6/conf/all/forwarding":                       "1",
		"netfilter/nf_conntrack_tcp_be_liberal":          "1",
		"netfilter/nf_conntrack_tcp_ignore_invalid_rst":  "1",
		"netfilter/nf_conntrack_tcp_loose":               "1",
		"ipv4/conf/all/rp_filter":                        "0",
		"netfilter/nf_conntrack_udp_timeout":             "30",
		"netfilter/nf_conntrack_udp_timeout_stream":      "120",
		"netfilter/nf_conntrack_tcp_timeout_established": "432000",
	} {
		if err := os.WriteFile("/proc/sys/net/"+name, []byte(value), 0); err != nil {
			return nil, fmt.Errorf("%w: %w", errNoNamespace, err)
		}
	}

	k := &kernel{buf: make([]byte, 1<<16)}
	for i, name := range []string{"wa", "wb"} {
		iface, err := net.InterfaceByName(name)
		if err != nil {
			return nil, err
		}
		const protocolAll, ignoreOutgoing = 0x0300, 23 // ETH_P_ALL in network order, PACKET_IGNORE_OUTGOING
		fd, err := syscall.Socket(syscall.AF_PACKET, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, protocolAll)
		if err != nil {
			return nil, err
		}
		k.wires[i] = fd
		err = errors.Join(
			syscall.Bind(fd, &syscall.SockaddrLinklayer{Protocol: protocolAll, Ifindex: iface.Index}),
			syscall.SetsockoptInt(fd, syscall.SOL_PACKET, ignoreOutgoing, 1),
			syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &syscall.Timeval{Sec: 10}))
		if err != nil {
			return nil, err
		}
	}
	var err error
	k.ct, err = syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, syscall.NETLINK_NETFILTER)
	return k, err
}

func run(name, stdin string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Stdin = strings.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, bytes.TrimSpace(out))
	}
	return nil
}

func (k *kernel) close() {
	for _, fd := range [...]int{k.wires[0], k.wires[1], k.ct} {
		syscall.Close(fd)
	}
}

// send puts the frame on the wire of one side and returns what ct state said of
// it, read from what comes out at the other.
func (k *kernel) send(side int, frame []byte) (string, error) {
	start := time.Now()
	defer func() { k.slow = max(k.slow, time.Since(start)) }()
	if _, err := syscall.Write(k.wires[side], frame); err != nil {
		return "", err
	}
	for {
		n, _, err := syscall.Recvfrom(k.wires[1-side], k.buf, 0)
		if err != nil {
			return "", fmt.Errorf("not forwarded: %w", err)
		}
		f := k.buf[:n]
		if n < 34 || !bytes.Equal(f[:6], kernelMACs[1-side]) {
			continue // the router's own
		}
		dscp := f[15] >> 2
		if f[12] == 0x86 {
			dscp = f[14]&0xf<<2 | f[15]>>6
		}
		if int(dscp) >= len(kernelStates) || kernelStates[dscp] == "" {
			return "", fmt.Errorf("DSCP %d", dscp)
		}
		return kernelStates[dscp], nil
	}
}

// A kernelEntry is what both sides are compared by.
type kernelEntry struct {
	tuple packet.FiveTuple
	state State // TCP
	flags string
}

// ctnetlink messages and attributes, linux/netfilter/nfnetlink_conntrack.h.
const (
	ctGet, ctDelete = 1<<8 | 1, 1<<8 | 2

	ctaTuple, ctaStatus, ctaProtoInfo, ctaTimeout            = 1, 3, 4, 7
	ctaTupleIP, ctaTupleProto                                = 1, 2
	ctaProtoNum, ctaSrcPort, ctaDstPort, ctaICMPID           = 1, 2, 3, 4
	ctaICMPType, ctaICMPCode, ctaICMP6ID, ctaICMP6Type       = 5, 6, 7, 8
	ctaICMP6Code, ctaProtoInfoTCP, ctaProtoInfoTCPState, ipV = 9, 1, 1, 1
	statusSeenReply, statusAssured                           = 2, 4
)

func (k *kernel) request(typ, flags uint16, family byte, attributes []byte) error {
	k.seq++
	m := make([]byte, 20, 20+len(attributes))
	binary.NativeEndian.PutUint32(m, uint32(20+len(attributes)))
	binary.NativeEndian.PutUint16(m[4:], typ)
	binary.NativeEndian.PutUint16(m[6:], syscall.NLM_F_REQUEST|flags)
	binary.NativeEndian.PutUint32(m[8:], k.seq)
	m[16] = family
	return syscall.Sendto(k.ct, append(m, attributes...), 0, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK})
}

// get returns the kernel's entry of the tuple with the seconds it has left. A dump
// would walk all the machine's buckets.
func (k *kernel) get(t packet.FiveTuple) (e kernelEntry, left int, err error) {
	attr := func(typ uint16, b []byte) []byte {
		a := binary.NativeEndian.AppendUint16(nil, uint16(4+len(b)))
		a = append(binary.NativeEndian.AppendUint16(a, typ), b...)
		return append(a, make([]byte, -len(a)&3)...)
	}
	const nested = 1 << 15
	family, src, dst := byte(syscall.AF_INET), uint16(1), uint16(2)
	if t.Family == packet.IPv6 {
		family, src, dst = syscall.AF_INET6, 3, 4
	}
	ip := append(attr(src, t.SrcAddr().AsSlice()), attr(dst, t.DstAddr().AsSlice())...)
	proto := attr(ctaProtoNum, []byte{byte(t.Protocol)})
	be := func(v uint16) []byte { return binary.BigEndian.AppendUint16(nil, v) }
	switch t.Protocol {
	case packet.ICMP, packet.ICMPv6:
		id, typ, code := uint16(ctaICMPID), uint16(ctaICMPType), uint16(ctaICMPCode)
		if t.Protocol == packet.ICMPv6 {
			id, typ, code = ctaICMP6ID, ctaICMP6Type, ctaICMP6Code
		}
		proto = append(proto, attr(id, be(t.SrcPort))...)
		proto = append(proto, attr(typ, []byte{byte(t.DstPort >> 8)})...)
		proto = append(proto, attr(code, []byte{byte(t.DstPort)})...)
	default:
		proto = append(proto, attr(ctaSrcPort, be(t.SrcPort))...)
		proto = append(proto, attr(ctaDstPort, be(t.DstPort))...)
	}
	tuple := append(attr(ctaTupleIP|nested, ip), attr(ctaTupleProto|nested, proto)...)
	if err := k.request(ctGet, 0, family, attr(ctaTuple|nested, tuple)); err != nil {
		return e, 0, err
	}
	n, _, err := syscall.Recvfrom(k.ct, k.buf, 0)
	if err != nil {
		return e, 0, err
	}
	messages, err := syscall.ParseNetlinkMessage(k.buf[:n])
	if err != nil {
		return e, 0, err
	}
	if m := messages[0]; m.Header.Type == syscall.NLMSG_ERROR {
		return e, 0, syscall.Errno(-int32(binary.NativeEndian.Uint32(m.Data)))
	}
	e, left = parseEntry(messages[0].Data)
	return e, left, nil
}

// count returns the number of the namespace's entries.
func (k *kernel) count() (n int, err error) {
	b, err := os.ReadFile("/proc/sys/net/netfilter/nf_conntrack_count")
	if err == nil {
		n, err = strconv.Atoi(strings.TrimSpace(string(b)))
	}
	return n, err
}

// flush empties the kernel's table.
func (k *kernel) flush() error {
	k.slow = 0
	if err := k.request(ctDelete, syscall.NLM_F_ACK, 0, nil); err != nil {
		return err
	}
	_, _, err := syscall.Recvfrom(k.ct, k.buf, 0)
	return err
}

// dump returns the kernel's entries with the seconds they have left.
func (k *kernel) dump() (map[kernelEntry]int, error) {
	if err := k.request(ctGet, syscall.NLM_F_DUMP, 0, nil); err != nil {
		return nil, err
	}
	entries := map[kernelEntry]int{}
	for {
		n, _, err := syscall.Recvfrom(k.ct, k.buf, 0)
		if err != nil {
			return nil, err
		}
		messages, err := syscall.ParseNetlinkMessage(k.buf[:n])
		if err != nil {
			return nil, err
		}
		for _, m := range messages {
			switch m.Header.Type {
			case syscall.NLMSG_DONE:
				return entries, nil
			case ctGet &^ 0xff: // IPCTNL_MSG_CT_NEW, which is 0
				e, left := parseEntry(m.Data)
				entries[e] = left
			default:
				return nil, fmt.Errorf("netlink message %#x", m.Header.Type)
			}
		}
	}
}

// attributes splits netlink attributes.
func attributes(b []byte) map[uint16][]byte {
	m := map[uint16][]byte{}
	for len(b) >= 4 {
		n := int(binary.NativeEndian.Uint16(b))
		if n < 4 || n > len(b) {
			break
		}
		m[binary.NativeEndian.Uint16(b[2:])&0x3fff] = b[4:n]
		b = b[min(len(b), (n+3)&^3):]
	}
	return m
}

func parseEntry(b []byte) (kernelEntry, int) {
	var e kernelEntry
	top := attributes(b[4:])
	tuple := attributes(top[ctaTuple])
	ip, proto := attributes(tuple[ctaTupleIP]), attributes(tuple[ctaTupleProto])
	addr := func(v4, v6 uint16) (a netip.Addr) {
		if b, ok := ip[v4]; ok {
			a, _ = netip.AddrFromSlice(b)
		} else {
			a, _ = netip.AddrFromSlice(ip[v6])
		}
		return a
	}
	src, dst := addr(1, 3), addr(2, 4)
	e.tuple = packet.FiveTuple{Src: src.As16(), Dst: dst.As16(), Protocol: packet.Protocol(proto[ctaProtoNum][0]), Family: packet.IPv4}
	if src.Is6() {
		e.tuple.Family = packet.IPv6
	}
	port := func(a uint16) uint16 {
		if len(proto[a]) == 2 {
			return binary.BigEndian.Uint16(proto[a])
		}
		return 0
	}
	switch e.tuple.Protocol {
	case packet.ICMP:
		e.tuple.SrcPort, e.tuple.DstPort = port(ctaICMPID), uint16(proto[ctaICMPType][0])<<8|uint16(proto[ctaICMPCode][0])
	case packet.ICMPv6:
		e.tuple.SrcPort, e.tuple.DstPort = port(ctaICMP6ID), uint16(proto[ctaICMP6Type][0])<<8|uint16(proto[ctaICMP6Code][0])
	default:
		e.tuple.SrcPort, e.tuple.DstPort = port(ctaSrcPort), port(ctaDstPort)
	}
	if info := attributes(attributes(top[ctaProtoInfo])[ctaProtoInfoTCP]); len(info) > 0 {
		e.state = State(info[ctaProtoInfoTCPState][0])
	}
	status := binary.BigEndian.Uint32(top[ctaStatus])
	e.flags = flagText(status&statusSeenReply != 0, status&statusAssured != 0)
	return e, int(binary.BigEndian.Uint32(top[ctaTimeout]))
}

func flagText(replied, assured bool) string {
	switch {
	case assured:
		return "ASSURED"
	case !replied:
		return "UNREPLIED"
	}
	return ""
}

// compare wants the table to hold what the kernel holds. Timeouts may differ by
// the second that the kernel rounds off, and by as long as packet and look took.
func (k *kernel) compare(table *Table, now time.Time) error {
	var wrong []string
	entries := 0
	for e := range table.All(now) {
		entries++
		is := kernelEntry{tuple: e.Tuple, flags: flagText(e.Replied, e.Assured)}
		if e.Tuple.Protocol == packet.TCP {
			is.state = e.State
		}
		start := time.Now()
		kernel, left, err := k.get(e.Tuple)
		ours, most := e.Expires.Sub(start).Seconds(), 1.5+(time.Since(start)+k.slow).Seconds()
		if err != nil || kernel != is || ours-float64(left) < -0.5 || ours-float64(left) > most {
			wrong = append(wrong, fmt.Sprintf("  table:  %v, %.1f s left\n  kernel: %v, %d s left %v", is, ours, kernel, left, err))
		}
	}
	switch n, err := k.count(); {
	case err != nil:
		return err
	case n != entries && len(wrong) == 0:
		all, err := k.dump()
		if len(all) == entries && err == nil {
			break // the kernel had not freed one yet
		}
		wrong = append(wrong, fmt.Sprintf("  table: %d entries\n  kernel: %v %v", entries, all, err))
	}
	if len(wrong) > 0 {
		return errors.New(strings.Join(wrong, "\n"))
	}
	return nil
}

func (e kernelEntry) String() string {
	return strings.Join(strings.Fields(fmt.Sprint(e.tuple, " ", e.state, " ", e.flags)), " ")
}

// frame writes the header as an Ethernet frame, as the wire of its side carries
// it, and reads it back into the header.
func frame(side int, h *packet.Header, payload []byte) ([]byte, error) {
	eth := &layers.Ethernet{SrcMAC: kernelMACs[side], DstMAC: routerMACs[side], EthernetType: layers.EthernetTypeIPv4}
	list := []gopacket.SerializableLayer{eth}
	var network gopacket.NetworkLayer
	if h.Family == packet.IPv4 {
		ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocol(h.Protocol), SrcIP: h.SrcAddr().AsSlice(), DstIP: h.DstAddr().AsSlice()}
		list, network = append(list, ip), ip
	} else {
		eth.EthernetType = layers.EthernetTypeIPv6
		ip := &layers.IPv6{Version: 6, HopLimit: h.HopLimit, NextHeader: layers.IPProtocol(h.Protocol), SrcIP: h.SrcAddr().AsSlice(), DstIP: h.DstAddr().AsSlice()}
		list, network = append(list, ip), ip
	}
	switch h.Protocol {
	case packet.TCP:
		f := h.TCPFlags
		tcp := &layers.TCP{
			SrcPort: layers.TCPPort(h.SrcPort), DstPort: layers.TCPPort(h.DstPort), Seq: h.Seq, Ack: h.Ack, Window: h.Window,
			FIN: f&packet.FIN != 0, SYN: f&packet.SYN != 0, RST: f&packet.RST != 0, PSH: f&packet.PSH != 0,
			ACK: f&packet.ACK != 0, URG: f&packet.URG != 0, ECE: f&packet.ECE != 0, CWR: f&packet.CWR != 0,
		}
		if err := tcp.SetNetworkLayerForChecksum(network); err != nil {
			return nil, err
		}
		list = append(list, tcp)
	case packet.UDP:
		udp := &layers.UDP{SrcPort: layers.UDPPort(h.SrcPort), DstPort: layers.UDPPort(h.DstPort)}
		if err := udp.SetNetworkLayerForChecksum(network); err != nil {
			return nil, err
		}
		list = append(list, udp)
	case packet.ICMP:
		list = append(list, &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(h.ICMPType, h.ICMPCode), Id: h.ICMPID})
	case packet.ICMPv6:
		icmp := &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(h.ICMPType, h.ICMPCode)}
		if err := icmp.SetNetworkLayerForChecksum(network); err != nil {
			return nil, err
		}
		payload = append(binary.BigEndian.AppendUint16(nil, h.ICMPID), append([]byte{0, 0}, payload...)...)
		list = append(list, icmp)
	}
	list = append(list, gopacket.Payload(payload))
	buf := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, list...); err != nil {
		return nil, err
	}
	b := buf.Bytes()
	return b, packet.Decode(packet.LinkEthernet, b, len(b), h)
}

// kernelFlow remembers what two TCP ends have sent, so that random segments come
// near to what matters.
type kernelFlow struct {
	next [2]uint32 // sequence number that this side would send next
	ack  [2]uint32 // what this side acknowledged last
}

// sequence sends the packets of one seed, and returns how many until the first
// difference.
func (k *kernel) sequence(seed uint64) (int, error) {
	if err := k.flush(); err != nil {
		return 0, err
	}
	table, err := NewTable(Config{Profile: Linux, Pickup: true})
	if err != nil {
		return 0, err
	}
	w := newWorld(seed)
	flows := map[[2]uint16]*kernelFlow{}
	var log strings.Builder
	var sent [2][][]byte // IP packets by side, to be quoted
	onlyTCP := w.IntN(3) > 0
	var (
		side int
		h    packet.Header
		b    []byte
	)
	for step := range 5 + w.IntN(25) {
		if w.IntN(4) > 0 || step == 0 { // or the same again
			var payload []byte
			side = w.IntN(2)
			h, payload = w.kernelPacket(side, onlyTCP, flows, sent[1-side])
			if b, err = frame(side, &h, payload); err != nil {
				return step, fmt.Errorf("%v: %w", h.Tuple(), err)
			}
		}
		sent[side] = append(sent[side], bytes.Clone(b[14:]))
		fmt.Fprintf(&log, "%c  %v", 'A'+side, h.Tuple())
		if h.Protocol == packet.TCP {
			fmt.Fprintf(&log, "  %v seq %d ack %d win %d len %d", h.TCPFlags, h.Seq, h.Ack, h.Window, h.PayloadLen)
		}
		want, err := k.send(side, b)
		if err != nil {
			return step, fmt.Errorf("\n%s: %w", &log, err)
		}
		now := time.Now()
		r := table.Track(0, &h, now)
		if r.Class() == New {
			table.Commit(0, &h, now, 0)
		}
		fmt.Fprintf(&log, "  %s\n", want)
		if got := ctState(r); got != want {
			return step, fmt.Errorf("\n%s  the table says %s (%+v)", &log, got, r)
		}
		if err := k.compare(table, now); err != nil {
			return step, fmt.Errorf("\n%s%w", &log, err)
		}
	}
	return len(sent[0]) + len(sent[1]), nil
}

// kernelPacket draws a packet of a side. Quotable are what the other side sent.
func (w *world) kernelPacket(side int, onlyTCP bool, flows map[[2]uint16]*kernelFlow, quotable [][]byte) (packet.Header, []byte) {
	src, dst := kernelAddrs[side][0], kernelAddrs[1-side][0]
	if !onlyTCP {
		i := w.IntN(len(kernelAddrs[0]))
		src, dst = kernelAddrs[side][i], kernelAddrs[1-side][i]
	}
	kind := 0
	if !onlyTCP {
		kind = w.IntN(8)
	}
	ports := [2]uint16{1000 + uint16(w.IntN(8)/7), 80}
	switch kind {
	default:
		return w.kernelSegment(side, src, dst, ports, flows)
	case 3, 4:
		return packet.UDPHeader(netip.AddrPortFrom(src, ports[side]), netip.AddrPortFrom(dst, ports[1-side])), make([]byte, w.IntN(4))
	case 5:
		h := packet.ICMPHeader(src, dst, pick(w, uint8(8), 8, 0, 0, 13, 14, 17, 18, 9, 30), uint8(w.IntN(8)/7), uint16(w.IntN(2)))
		if h.Family == packet.IPv6 {
			h.ICMPType, h.HopLimit = pick(w, uint8(128), 128, 129, 129, 139, 140, 144, 200), 64
		}
		return h, make([]byte, 24)
	case 6:
		p := pick(w, packet.ESP, packet.Protocol(253), packet.IGMP, packet.GRE)
		if src.Is6() {
			p = pick(w, packet.ESP, packet.Protocol(253))
		}
		return packet.IPHeader(src, dst, p), make([]byte, 16)
	case 7:
		if len(quotable) == 0 {
			return packet.UDPHeader(netip.AddrPortFrom(src, 7), netip.AddrPortFrom(dst, 7)), nil
		}
		q := pick(w, quotable...)
		v6 := q[0]>>4 == 6
		if v6 {
			src, dst = kernelAddrs[side][2], kernelAddrs[1-side][2]
		} else {
			src, dst = kernelAddrs[side][w.IntN(2)], kernelAddrs[1-side][w.IntN(2)]
		}
		h := packet.ICMPHeader(src, dst, pick(w, uint8(3), 11, 12, 4), 1, 0)
		cut := min(len(q), pick(w, 20, 23, 24, 28, 48))
		if v6 {
			h.ICMPType, h.HopLimit = pick(w, uint8(1), 2, 3, 4, 100), 64
			cut = min(len(q), pick(w, 40, 43, 44, 48, 60))
		}
		return h, append(bytes.Clone(q[:cut]), make([]byte, 0)...)
	}
}

func (w *world) kernelSegment(side int, src, dst netip.Addr, ports [2]uint16, flows map[[2]uint16]*kernelFlow) (packet.Header, []byte) {
	id := ports
	if src.Is6() {
		id[1] = 6
	}
	f := flows[id]
	if f == nil {
		f = &kernelFlow{next: [2]uint32{w.Uint32(), w.Uint32()}}
		flows[id] = f
	}
	const S, A, F, R, P, U = packet.SYN, packet.ACK, packet.FIN, packet.RST, packet.PSH, packet.URG
	flags := pick(w, S, S, S|A, S|A, A, A, A, A|P, A|P, F|A, F|A, F|A, R, R|A, R|A, S|U, F|A|U, F, 0, P, S|F, S|R,
		packet.TCPFlags(w.IntN(256)))
	h := packet.TCPHeader(netip.AddrPortFrom(src, ports[side]), netip.AddrPortFrom(dst, ports[1-side]), flags)
	h.Window = pick(w, uint16(65535), 65535, 65535, 1000, 0)
	payload := make([]byte, pick(w, 0, 0, 0, 1, 100))
	next := f.next[side]
	h.Seq = pick(w, next, next, next, next, next, next-1, next+10, next+70_000, next-70_000, 0, w.Uint32())
	peer := f.next[1-side]
	h.Ack = pick(w, peer, peer, peer, peer, peer, peer, peer-1, peer+10, peer-70_000, 0, w.Uint32())
	if flags&R != 0 {
		h.Seq = pick(w, next, f.ack[1-side], f.ack[1-side], f.ack[1-side]+1, 0, h.Seq)
		payload = nil
	}
	if flags&S != 0 && w.IntN(4) == 0 {
		f.next[side] += 500_000 // another incarnation
		h.Seq = f.next[side]
	}
	end := h.Seq + uint32(len(payload))
	if flags&S != 0 {
		end++
	}
	if flags&F != 0 {
		end++
	}
	if int32(end-next) > 0 && end-next < 1000 {
		f.next[side] = end
	}
	if flags&A != 0 {
		f.ack[side] = h.Ack
	}
	return h, payload
}

// overTime follows many flows over some seconds: Linux treats datagrams that go on
// as streams, and which packets give a connection more time shows only later. It
// returns how long it slept until the first difference.
func (k *kernel) overTime(p packet.Protocol, seed uint64) (slept time.Duration, err error) {
	if err := k.flush(); err != nil {
		return 0, err
	}
	table, err := NewTable(Config{Profile: Linux, Pickup: true})
	if err != nil {
		return 0, err
	}
	w := newWorld(seed)
	segments := map[[2]uint16]*kernelFlow{}
	for phase := range 4 {
		for flow := range 300 {
			for range w.IntN(4) {
				side := w.IntN(2)
				src, dst := kernelAddrs[side][0], kernelAddrs[1-side][0]
				ports := [2]uint16{uint16(2000 + flow), 53}
				h, payload := packet.UDPHeader(netip.AddrPortFrom(src, ports[side]), netip.AddrPortFrom(dst, ports[1-side])), []byte(nil)
				if p == packet.TCP {
					h, payload = w.kernelSegment(side, src, dst, ports, segments)
				}
				b, err := frame(side, &h, payload)
				if err != nil {
					return slept, err
				}
				want, err := k.send(side, b)
				if err != nil {
					return slept, err
				}
				now := time.Now()
				r := table.Track(0, &h, now)
				if r.Class() == New {
					table.Commit(0, &h, now, 0)
				}
				if got := ctState(r); got != want {
					return slept, fmt.Errorf("phase %d: %v: the table says %s, the kernel %s", phase, &h, got, want)
				}
			}
		}
		if err := k.compare(table, time.Now()); err != nil {
			return slept, fmt.Errorf("phase %d: %w", phase, err)
		}
		const pause = 1100 * time.Millisecond // no phase comes near to 2 s after another
		time.Sleep(pause)
		slept += pause
	}
	return slept, nil
}
