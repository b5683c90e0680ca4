package playground

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg"
)

const root = "../.."

// sgsim runs the command in the root of the repository and returns what it prints.
func sgsim(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = root
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "sgsim %v: %s", args, stderr.String())
	return string(out)
}

var program string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "sgsim")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "sgsim")
	if out, err := exec.Command("go", "build", "-o", program, root+"/sg/cmd/sgsim").CombinedOutput(); err != nil {
		panic(string(out))
	}
	return m.Run()
}

func file(t *testing.T, name string) File {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, name))
	require.NoError(t, err)
	return File{Name: name, Size: int64(len(data)), Open: func() io.Reader { return bytes.NewReader(data) }}
}

// A story is one of web/stories.json.
type story struct {
	ID       string
	Title    string
	Topology string
	Files    []string
	Packets  []string
	About    string
	Tries    []struct{ Say, From, To string }
}

func stories(t *testing.T) (all []story) {
	data, err := os.ReadFile("web/stories.json")
	require.NoError(t, err)
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(&all))
	require.Len(t, all, 4)
	return all
}

// said is what the page shows of answers, as the command prints it.
func said(answers []Answer) string {
	var b strings.Builder
	for i, a := range answers {
		if i > 0 {
			b.WriteString("\n")
		}
		b.WriteString(a.Packet + ": " + a.Verdict + ", " + a.Reason + "\n")
		for _, l := range a.Notes {
			b.WriteString(l.Label + " " + l.Text + "\n")
		}
		for _, hop := range a.Hops {
			b.WriteString(hop.Title + "\n")
			for _, l := range hop.Lines {
				b.WriteString(l.Label + " " + l.Text + "\n")
			}
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// The page and the command say the same of each story, whose packets are those of the
// README; and each change to try changes a verdict.
func TestStories(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	require.NoError(t, err)
	for _, s := range stories(t) {
		if s.Topology == "" {
			continue
		}
		t.Run(s.ID, func(t *testing.T) {
			name := "examples/" + s.Topology
			text, err := os.ReadFile(filepath.Join(root, name))
			require.NoError(t, err)
			var x Session
			loaded := x.Load(Settings{}, string(text), nil)
			require.True(t, loaded.OK, "%v", loaded.Problems)
			assert.Empty(t, loaded.Problems)
			assert.NotNil(t, loaded.Map)
			packets := strings.Join(s.Packets, "\n")
			answers := x.Ask(packets)
			args := append([]string{"explain", "-topology", name}, s.Packets...)
			assert.Equal(t, strings.Join(strings.Fields(sgsim(t, args...)), " "), said(answers))
			for _, p := range s.Packets {
				assert.Contains(t, string(readme), "'"+p+"'")
			}
			for _, try := range s.Tries {
				assert.Contains(t, string(text), try.From+"\n", try.Say)
				var y Session
				require.True(t, y.Load(Settings{}, strings.Replace(string(text), try.From, try.To, 1), nil).OK, try.Say)
				assert.NotEqual(t, verdicts(answers), verdicts(y.Ask(packets)), try.Say)
			}
		})
	}
}

func verdicts(answers []Answer) (all []string) {
	for _, a := range answers {
		all = append(all, a.Verdict)
	}
	return all
}

// What is judged of a capture, drawn and found is what the commands say.
func TestCapture(t *testing.T) {
	const demo = "sg/cmd/sgsim/demo/"
	files := []File{file(t, demo+"security-groups.json"), file(t, demo+"network-interfaces.json"), file(t, demo+"vpcs.json")}
	capture := file(t, demo+"demo.pcap")
	var topology []string
	for _, f := range files {
		assert.False(t, f.IsCapture(), f.Name)
		topology = append(topology, "-topology", f.Name)
	}
	assert.True(t, capture.IsCapture())

	var s Session
	loaded := s.Load(Settings{}, "", files)
	require.True(t, loaded.OK, "%v", loaded.Problems)
	assert.JSONEq(t, sgsim(t, append([]string{"check", "-format", "json"}, topology...)...), string(loaded.Findings))
	assert.Equal(t, sgsim(t, append([]string{"graph", "-format", "svg"}, topology...)...), loaded.Map.SVG)

	var told []int64
	r := s.Replay(t.Context(), []File{capture}, func(read, _ int64, _ uint64) { told = append(told, read) })
	require.Empty(t, r.Error)
	assert.Empty(t, told, "19 packets are too few to tell of")
	text := sgsim(t, append(append([]string{"replay"}, topology...), capture.Name)...)
	for _, row := range r.Rows {
		assert.Contains(t, text, row.Packet)
		for _, why := range row.Why {
			assert.Contains(t, text, why)
		}
	}
	assert.Equal(t, map[string]uint64{"accept": 15, "drop": 4}, r.Count)
	assert.Len(t, r.Refused, 4)
	assert.Equal(t, sgsim(t, append(append([]string{"graph", "-format", "svg"}, topology...), capture.Name)...), r.Map.SVG)

	page := filepath.Join(t.TempDir(), "report.html")
	sgsim(t, append(append([]string{"replay", "-format", "none", "-html", page}, topology...), capture.Name)...)
	want, err := os.ReadFile(page)
	require.NoError(t, err)
	assert.Equal(t, string(want), r.Report)

	why := s.Why(t.Context(), []File{capture}, 11, nil)
	assert.Equal(t, strings.Join(strings.Fields(sgsim(t, append(append([]string{"explain"}, topology...), "-packet", "11", capture.Name)...)), " "), said([]Answer{why}))
	assert.Equal(t, "packet 20: the captures hold 19", s.Why(t.Context(), []File{capture}, 20, nil).Error)

	// As text it is the same topology.
	var again Session
	require.True(t, again.Load(Settings{}, s.Text(), nil).OK)
	assert.Equal(t, r.Count, again.Replay(t.Context(), []File{capture}, nil).Count)
}

// Errors name their line, and what could be read is judged.
func TestProblems(t *testing.T) {
	var s Session
	loaded := s.Load(Settings{}, "group sg-a\nrule sg-a ingress tcp 443 0.0.0/0\neni a 10.0.0.1 sg-b\n", nil)
	assert.False(t, loaded.OK)
	require.NotEmpty(t, loaded.Problems)
	assert.Equal(t, Problem{"error", TextName, 2, "topology.txt:2", `"0.0.0/0": not a CIDR block`}, loaded.Problems[0])
	assert.Empty(t, s.Ask("tcp a > a:1"))
	assert.Empty(t, s.Text())
	assert.NotEmpty(t, s.Replay(t.Context(), nil, nil).Error)

	require.True(t, s.Load(Settings{}, "group sg-a\nrule sg-a ingress tcp 443 0.0.0.0/0\neni a 10.0.0.1 sg-a\n", nil).OK)
	answers := s.Ask("# none\n\ntcp nobody > a:443\n  tcp 192.0.2.1:1 > a:443  \r\n")
	require.Len(t, answers, 2)
	assert.Equal(t, 3, answers[0].Line)
	assert.Contains(t, answers[0].Error, `"nobody": no interface`)
	assert.Equal(t, 4, answers[1].Line)
	assert.Equal(t, "accept", answers[1].Verdict)

	many := s.Ask(strings.Repeat("tcp 192.0.2.1:1 > a:443\n", MostPackets+2))
	require.Len(t, many, MostPackets+1)
	assert.Contains(t, many[MostPackets].Error, "more than 500 packets")

	big := File{Name: "big.json", Size: MostBytes + 1}
	assert.Equal(t, &Loaded{Problems: []Problem{}}, s.Load(Settings{}, " \n", nil))
	assert.Contains(t, s.Load(Settings{}, "", []File{big}).Problems[0].Text, "64 MB of topology")
}

// What a replay says is pasted as it is, over several lines.
func TestPaste(t *testing.T) {
	assert.Equal(t, []string{"1 0.0 drop tcp 192.0.2.1:1 > 192.0.2.2:2\n                      S\n        web ingress: x", "", "", "", "udp 192.0.2.1:1 > 192.0.2.2:2"},
		paragraphs("1 0.0 drop tcp 192.0.2.1:1 > 192.0.2.2:2\n                      S\n        web ingress: x\n# more\nudp 192.0.2.1:1 > 192.0.2.2:2"))
}

// The switches are those of the command.
func TestSettings(t *testing.T) {
	var s Session
	const text = "group sg-a\nrule sg-a ingress tcp 443 0.0.0.0/0\neni a 10.0.0.1 sg-a\n"
	for midstream, want := range map[sg.Midstream]string{sg.MidstreamDrop: "drop", sg.MidstreamPass: "accept", sg.MidstreamPickup: "accept"} {
		require.True(t, s.Load(Settings{Midstream: midstream}, text, nil).OK)
		assert.Equal(t, want, s.Ask("tcp 192.0.2.1:1 > a:443 A")[0].Verdict, midstream)
	}
}
