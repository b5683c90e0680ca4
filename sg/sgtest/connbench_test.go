package sgtest_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg/sgtest"
)

func benchSite(b *testing.B) *sgtest.Network {
	topo, err := sgtest.ParseTopology("site", site)
	require.NoError(b, err)
	return sgtest.NewNetwork(b, topo, nil)
}

// A download over HTTP, as a browser would have it.
func BenchmarkDownload(b *testing.B) {
	const size = 1 << 30
	for _, mtu := range []struct{ name, from string }{{"jumbo", "web"}, {"1500", "10.0.1.99"}} {
		b.Run("mtu="+mtu.name, func(b *testing.B) {
			n := benchSite(b)
			topo := n.Topology()
			topo.Groups[1].Ingress[0].Peer = topo.Groups[0].Ingress[0].Peer // anybody
			n = sgtest.NewNetwork(b, topo, nil)
			go http.Serve(n.Listen(b, "app", 8080), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Length", fmt.Sprint(size))
				io.CopyN(w, zeros{}, size)
			}))
			client := http.Client{Transport: &http.Transport{DialContext: n.Dialer(b, mtu.from).DialContext}}
			b.SetBytes(size)
			for b.Loop() {
				resp, err := client.Get("http://app:8080/")
				require.NoError(b, err)
				got, err := io.Copy(io.Discard, resp.Body)
				require.NoError(b, err)
				require.EqualValues(b, size, got)
			}
		})
	}
}

// A connection that is made, accepted, and closed at both ends.
func BenchmarkDial(b *testing.B) {
	n := benchSite(b)
	l := n.Listen(b, "app", 8080)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	web := n.Dialer(b, "web")
	b.ReportAllocs()
	for b.Loop() {
		c, err := web.Dial("tcp", "app:8080")
		require.NoError(b, err)
		c.Close()
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "dials/s")
}
