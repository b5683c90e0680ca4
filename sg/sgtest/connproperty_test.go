package sgtest_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/packet/capture"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/sgtest"
)

var long = flag.Bool("long", false, "five times as many seeds of connections")

// What connections say is what Firewall.Forward says of their packets: one opens if
// its SYN and the answer are let through, its bytes arrive if their segments are, and
// its end is seen if its FIN or RST is. Packets come from a capture, verdicts from a
// firewall of the test's own.
func TestConnSaysWhatForwardSays(t *testing.T) {
	seeds := 20
	if *long && !testing.Short() {
		seeds = 100
	}
	var all tally
	for seed := range seeds {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, rand.New(rand.NewPCG(uint64(seed), 20)))
			for step := range 60 {
				what := w.step()
				if err := w.compare(); err != nil {
					t.Fatalf("seed %d, step %d, %s: %v\n%s", seed, step, what, err, sgtest.FormatTopology(w.n.Topology()))
				}
			}
			all.add(w.tally)
		})
	}
	t.Logf("%+v", all)
	for _, n := range []int{all.dials - all.opened - all.refused, all.opened, all.refused, all.bytes, all.lost, all.eof, all.reset} {
		require.NotZero(t, n, "every case comes up")
	}
}

// A tally counts what came up.
type tally struct{ dials, opened, refused, bytes, lost, eof, reset int }

func (a *tally) add(b tally) {
	*a = tally{a.dials + b.dials, a.opened + b.opened, a.refused + b.refused, a.bytes + b.bytes, a.lost + b.lost, a.eof + b.eof, a.reset + b.reset}
}

var worldPorts = []uint16{80, 443}

type world struct {
	t *testing.T
	r *rand.Rand
	tally
	n      *sgtest.Network
	oracle *sg.Firewall
	tap    bytes.Buffer
	stop   func() error
	names  []string

	mu    sync.Mutex
	ends  map[[2]netip.AddrPort]*connEnd // own address first
	views map[[2]netip.AddrPort]*view
}

// A connEnd is what one end of a connection says.
type connEnd struct {
	net.Conn
	got     []byte
	err     error // of the read that ended reading
	written int
	shut    bool // written to no more
	closed  bool
}

// A view is what the packets that were let through say about one end.
type view struct {
	syn, open, eof, reset bool
	next                  uint32
	got                   []byte
}

func newWorld(t *testing.T, r *rand.Rand) *world {
	w := &world{t: t, r: r, ends: map[[2]netip.AddrPort]*connEnd{}, views: map[[2]netip.AddrPort]*view{}}
	topo := w.topology()
	opts := &sg.Options{
		Midstream: sg.Midstream(r.IntN(3)),
		OnChange:  sg.OnChange(r.IntN(4)),
	}
	w.n = sgtest.NewNetwork(t, topo, opts)
	w.n.Host("outside", "198.51.100.7")
	policy, err := sg.Compile(topo)
	require.NoError(t, err)
	w.oracle = sg.NewFirewall(policy, opts)
	for _, e := range topo.ENIs {
		w.names = append(w.names, string(e.ID))
	}
	w.names = append(w.names, "outside")
	for _, name := range w.names {
		for _, port := range worldPorts {
			l := w.n.Listen(t, name, port)
			go func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					w.follow(c)
				}
			}()
		}
	}
	w.stop = w.n.Capture(&w.tap)
	return w
}

// follow reads from a connection all the time.
func (w *world) follow(c net.Conn) {
	e := &connEnd{Conn: c}
	w.mu.Lock()
	w.ends[key(c.LocalAddr(), c.RemoteAddr())] = e
	w.mu.Unlock()
	go func() {
		b := make([]byte, 1<<16)
		for {
			k, err := c.Read(b)
			w.mu.Lock()
			e.got = append(e.got, b[:k]...)
			e.err = err
			w.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
}

func key(local, remote net.Addr) [2]netip.AddrPort {
	return [2]netip.AddrPort{local.(*net.TCPAddr).AddrPort(), remote.(*net.TCPAddr).AddrPort()}
}

func (w *world) rule() sg.Rule {
	peers := []sg.Peer{sg.AnyIPv4, sg.AnyIPv4, sg.FromGroup("sg-0"), sg.FromGroup("sg-1"), sg.FromGroup("sg-2"), sg.MustCIDR("10.0.0.0/8"), sg.MustCIDR("198.51.100.0/24")}
	what := []sg.Traffic{sg.AllTraffic, sg.AllTraffic, sg.MustTraffic("All TCP"), sg.HTTP, sg.HTTPS}
	return what[w.r.IntN(len(what))].From(peers[w.r.IntN(len(peers))])
}

func (w *world) groups() (ids []sg.GroupID) {
	for i := range 3 {
		if w.r.IntN(2) == 0 {
			ids = append(ids, sg.GroupID(fmt.Sprintf("sg-%d", i)))
		}
	}
	return ids
}

func (w *world) topology() *sg.Topology {
	topo := &sg.Topology{}
	for i := range 3 {
		g := sg.Group{ID: sg.GroupID(fmt.Sprintf("sg-%d", i))}
		for range w.r.IntN(4) {
			g.Ingress = append(g.Ingress, w.rule())
		}
		for range w.r.IntN(4) {
			g.Egress = append(g.Egress, w.rule())
		}
		topo.Groups = append(topo.Groups, g)
	}
	for i := range 3 {
		topo.ENIs = append(topo.ENIs, sg.ENI{
			ID:     sg.ENIID(fmt.Sprintf("eni-%d", i)),
			Addrs:  []netip.Addr{netip.AddrFrom4([4]byte{10, 0, byte(i), 10})},
			Groups: w.groups(), NitroV6: w.r.IntN(2) == 0,
		})
	}
	return topo
}

// step does something.
func (w *world) step() string {
	w.mu.Lock()
	var e *connEnd
	if len(w.ends) > 0 && w.r.IntN(10) > 2 {
		i := w.r.IntN(len(w.ends))
		for _, k := range sortedKeys(w.ends) {
			if i--; i < 0 {
				e = w.ends[k]
				break
			}
		}
	}
	w.mu.Unlock()
	switch k := w.r.IntN(20); {
	case k < 3:
		waits := []time.Duration{time.Millisecond, time.Second, 31 * time.Second, 61 * time.Second, 351 * time.Second, 20 * time.Minute, 6 * 24 * time.Hour}
		d := waits[w.r.IntN(len(waits))]
		time.Sleep(d)
		return "wait " + d.String()
	case k < 6:
		topo := w.n.Topology()
		if w.r.IntN(2) == 0 {
			topo.ENIs[w.r.IntN(3)].Groups = w.groups()
		} else {
			topo.Groups[w.r.IntN(3)] = w.topology().Groups[w.r.IntN(3)]
			for i := range topo.Groups {
				topo.Groups[i].ID = sg.GroupID(fmt.Sprintf("sg-%d", i))
			}
		}
		w.n.Change(w.t, func(o *sg.Topology) { *o = *topo })
		policy, err := sg.Compile(topo)
		require.NoError(w.t, err)
		w.oracle.Swap(policy, w.n.Clock.Now())
		return "change"
	case e == nil || k < 8:
		return w.dial()
	case k < 17:
		if e.shut || e.closed || e.written > 150000 {
			return "nothing"
		}
		b := make([]byte, w.r.IntN(30000))
		for i := range b {
			b[i] = byte(w.r.Uint32())
		}
		e.Write(b)
		e.written += len(b)
		return fmt.Sprintf("write %d from %s to %s", len(b), e.LocalAddr(), e.RemoteAddr())
	case k < 18:
		e.Conn.(halfCloser).CloseWrite()
		e.shut = true
		return fmt.Sprintf("close half of %s to %s", e.LocalAddr(), e.RemoteAddr())
	default:
		if w.r.IntN(3) == 0 {
			e.Conn.(halfCloser).SetLinger(0)
		}
		e.Close()
		e.closed = true
		return fmt.Sprintf("close %s to %s", e.LocalAddr(), e.RemoteAddr())
	}
}

// dial connects, and holds what comes of it against the packets at once.
func (w *world) dial() string {
	from, to := w.names[w.r.IntN(len(w.names))], w.names[w.r.IntN(len(w.names))]
	port := []uint16{80, 443, 22}[w.r.IntN(3)]
	waits := []time.Duration{time.Second / 2, 10 * time.Second, 5 * time.Minute}
	ctx, cancel := context.WithTimeout(w.t.Context(), waits[w.r.IntN(len(waits))])
	defer cancel()
	c, err := w.n.Dialer(w.t, from).DialContext(ctx, "tcp4", net.JoinHostPort(to, fmt.Sprint(port)))
	what := fmt.Sprintf("dial %s from %s: %v", net.JoinHostPort(to, fmt.Sprint(port)), from, err)
	w.dials++
	if err == nil {
		w.opened++
		w.follow(c)
		synctest.Wait()
		w.replay()
		if v := w.views[key(c.LocalAddr(), c.RemoteAddr())]; !v.open {
			w.t.Fatalf("%s, and no answer was let through", what)
		}
		return what
	}
	op := err.(*net.OpError)
	synctest.Wait()
	w.replay()
	v := w.views[key(op.Source, op.Addr)]
	refused := errors.Is(err, syscall.ECONNREFUSED)
	switch {
	case v != nil && v.open, refused != (v != nil && v.reset), !refused && !op.Timeout():
		w.t.Fatalf("%s, and packets say %+v", what, v)
	case refused:
		w.refused++
	}
	return what
}

// replay asks the test's own firewall about everything that was sent since.
func (w *world) replay() {
	require.NoError(w.t, w.stop())
	f, err := capture.NewReader(&w.tap, "tap")
	require.NoError(w.t, err)
	for frame, err := range f.Frames() {
		require.NoError(w.t, err)
		require.NoError(w.t, frame.Err)
		h := &frame.Header
		if out := w.oracle.Forward(sg.Packet{Header: h, Time: frame.Time}); out.Verdict != sg.Drop {
			w.arrive(h, frame.Data[len(frame.Data)-int(h.PayloadLen):])
		} else {
			w.lost++
		}
	}
	w.tap.Reset()
	w.stop = w.n.Capture(&w.tap)
}

// arrive lets a packet arrive, as a reader of captures would see it.
func (w *world) arrive(h *packet.Header, data []byte) {
	src, dst := netip.AddrPortFrom(h.SrcAddr(), h.SrcPort), netip.AddrPortFrom(h.DstAddr(), h.DstPort)
	v := w.views[[2]netip.AddrPort{dst, src}]
	if v == nil {
		v = &view{}
		w.views[[2]netip.AddrPort{dst, src}] = v
	}
	flags := h.TCPFlags
	switch {
	case v.reset || v.eof:
		return
	case flags&packet.RST != 0:
		v.reset = !v.syn || h.Seq == v.next
		return
	case flags&packet.SYN != 0 && !v.syn:
		v.syn, v.next = true, h.Seq+1
		v.open = flags&packet.ACK != 0
		return
	case !v.syn || flags&packet.SYN != 0:
		return
	}
	v.open = true
	old := int32(v.next - h.Seq)
	if old < 0 || int(old) > len(data) {
		return
	}
	v.got = append(v.got, data[old:]...)
	v.next += uint32(len(data[old:]))
	if flags&packet.FIN != 0 {
		v.next++
		v.eof = true
	}
}

// compare holds every end against what its packets say.
func (w *world) compare() error {
	synctest.Wait()
	w.replay()
	w.mu.Lock()
	defer w.mu.Unlock()
	for k, e := range w.ends {
		v := w.views[k]
		switch {
		case v == nil || !v.open:
			return fmt.Errorf("%v is open, and no packet says so", k)
		case !bytes.Equal(e.got, v.got):
			return fmt.Errorf("%v got %d bytes, and %d arrived", k, len(e.got), len(v.got))
		case errors.Is(e.err, net.ErrClosed) && e.closed:
		case errors.Is(e.err, syscall.ETIMEDOUT):
			if v.eof || v.reset {
				return fmt.Errorf("%v gave up, and packets say %v %v", k, v.eof, v.reset)
			}
		case (e.err == io.EOF) != v.eof, errors.Is(e.err, syscall.ECONNRESET) != (v.reset && !v.eof):
			return fmt.Errorf("%v says %v, and packets say end %v, reset %v", k, e.err, v.eof, v.reset)
		}
		if e.err != nil { // nothing more will come of it
			w.bytes += len(e.got)
			if v.eof {
				w.eof++
			}
			if v.reset {
				w.reset++
			}
			if !e.closed {
				e.Close()
				e.closed = true
			}
			delete(w.ends, k)
		}
	}
	w.replay() // what closing sent, before anything changes
	return nil
}

func sortedKeys(m map[[2]netip.AddrPort]*connEnd) [][2]netip.AddrPort {
	var keys [][2]netip.AddrPort
	for k := range m {
		keys = append(keys, k)
	}
	for i := range keys { // few
		for j := i; j > 0 && less(keys[j], keys[j-1]); j-- {
			keys[j], keys[j-1] = keys[j-1], keys[j]
		}
	}
	return keys
}

func less(a, b [2]netip.AddrPort) bool {
	if c := a[0].Compare(b[0]); c != 0 {
		return c < 0
	}
	return a[1].Compare(b[1]) < 0
}
