package browser

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/packet/capture"
	"github.com/sgsim/sgsim/packet/packettest"
)

// mostMemory is what the library may take for a capture of any length.
const mostMemory = 200 // MB

// A long capture is judged with progress, is cancelled by a button, and is never in
// memory as a whole.
func TestLongCapture(t *testing.T) {
	size := int64(100 << 20)
	if testing.Short() {
		size = 8 << 20
	}
	if missing != "" {
		t.Skip(missing)
	}
	file := filepath.Join(t.TempDir(), "long.pcap")
	packets := writeLong(t, file, size)
	p := playground(t, "", 1440)
	p.do(watchProgress)

	began := time.Now()
	p.choose(file)
	p.until(`document.querySelector('#panel-capture progress')?.value > 0`)
	p.click("#cancel")
	p.until(`document.getElementById('panel-capture').innerText.includes('Cancelled')`)
	p.verdict("2 packets: 1 accepted, 1 dropped")
	p.click("#panel-capture button")
	p.until(`document.querySelector('#panel-capture table')`)
	t.Logf("%d MB, %d packets: %.1f s, one of them cancelled", size>>20, packets, time.Since(began).Seconds())

	assert.Equal(t, packets, say[int](p, `Number(document.querySelector('#panel-capture .numbers').innerText.match(/^[0-9,]+/)[0].replaceAll(',', ''))`))
	shown := say[[]float64](p, "window.seen")
	require.NotEmpty(t, shown)
	assert.LessOrEqual(t, restarts(shown), 1, "progress goes forward: %v", shown)
	numbers := p.text("#panel-capture .numbers")
	t.Logf("%d values of progress; %s", len(shown), numbers)
	memory := regexp.MustCompile(`with ([0-9.]+) MB of memory`).FindStringSubmatch(numbers)
	require.NotNil(t, memory, numbers)
	taken, err := strconv.ParseFloat(memory[1], 64)
	require.NoError(t, err)
	assert.Less(t, taken, float64(mostMemory))
	assert.Equal(t, 500, say[int](p, "document.querySelectorAll('#panel-capture tbody tr').length"))
	p.click("#tab-report")
	p.until(`document.querySelector('#panel-report iframe')?.srcdoc.includes('<main')`)
}

// watchProgress notes in the page what the bar shows.
var watchProgress = evaluate(`(() => {
	window.seen = [];
	new MutationObserver(() => {
		const bar = document.querySelector('#panel-capture progress');
		if (bar && bar.value > 0 && bar.value !== window.seen.at(-1)) window.seen.push(bar.value);
	}).observe(document.getElementById('panel-capture'), { subtree: true, childList: true, attributes: true, characterData: true });
})()`)

// writeLong writes a capture of connections to the server of the first story, and of such
// as it does not admit. It returns how many packets there are.
func writeLong(t *testing.T, name string, size int64) (packets int) {
	file, err := os.Create(name)
	require.NoError(t, err)
	defer file.Close()
	w := capture.NewWriter(file, capture.Pcap, nil)
	var frames []capture.Frame
	for _, text := range []string{
		"tcp 198.51.100.7:1025 > 10.0.0.10:443 S", "tcp 10.0.0.10:443 > 198.51.100.7:1025 SA",
		"tcp 198.51.100.7:1025 > 10.0.0.10:443 PA len 60", "tcp 10.0.0.10:443 > 198.51.100.7:1025 PA len 120",
		"tcp 198.51.100.7:1025 > 10.0.0.10:443 FA", "tcp 198.51.100.7:1025 > 10.0.1.10:8080 S",
	} {
		data := packettest.Ethernet(t, text)
		frames = append(frames, capture.Frame{Data: data, Length: len(data), LinkType: packet.LinkEthernet})
	}
	const ports = 14 + 20 // where those of TCP stand
	now, at := time.Unix(1800000000, 0), int64(24)
	for connection := 0; at < size; connection++ {
		port := uint16(1025 + connection%60000)
		for i := range frames {
			f := &frames[i]
			client := f.Data[ports:]
			if i == 1 || i == 3 {
				client = client[2:]
			}
			binary.BigEndian.PutUint16(client, port)
			f.Time = now
			require.NoError(t, w.WriteFrame(f))
			at += int64(16 + len(f.Data))
			now = now.Add(100 * time.Microsecond)
			packets++
		}
	}
	require.NoError(t, w.Flush())
	return packets
}

// restarts counts how often values fall.
func restarts(values []float64) (n int) {
	for i := 1; i < len(values); i++ {
		if values[i] < values[i-1] {
			n++
		}
	}
	return n
}
