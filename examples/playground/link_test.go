package playground

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg"
)

func TestLink(t *testing.T) {
	s := State{"group sg-a name=\"<b>\u202e\"\n", "tcp a > b:1\n", Settings{sg.MidstreamPickup, true}}
	link, err := Link(s)
	require.NoError(t, err)
	assert.Regexp(t, `^1\.[0-9A-Za-z_-]+$`, link)
	again, err := Link(s)
	require.NoError(t, err)
	assert.Equal(t, link, again)
	back, err := Unlink(link)
	require.NoError(t, err)
	assert.Equal(t, s, back)

	_, err = Link(State{Topology: strings.Repeat("group sg-a\n", MostState/10)})
	assert.ErrorContains(t, err, "too much for a link")
}

// Whatever a link says, nothing but text comes of it, and not much.
func TestUnlinkHostile(t *testing.T) {
	packed := func(doc string) string {
		var b bytes.Buffer
		w, err := flate.NewWriter(&b, flate.BestCompression)
		require.NoError(t, err)
		w.Write([]byte(doc))
		w.Close()
		return linkVersion + base64.RawURLEncoding.EncodeToString(b.Bytes())
	}
	good := packed(`{"topology":"x"}`)
	_, err := Unlink(good)
	require.NoError(t, err)
	for link, want := range map[string]error{
		"": errLinkVersion, "0.": errLinkVersion, "<script>": errLinkVersion,
		"1.": errLink, "1.%%": errLink, "1.AAAA": errLink,
		good + "AA": errLink, good[:len(good)-2]: errLink,
		packed("[]"): errLink, packed(`{"topology":"\xff"}`): errLink, packed(`{"settings":{"midstream":"never"}}`): errLink,
		packed(`{"topology":"` + strings.Repeat("x", 8<<20) + `"}`): errLink, // 8 kB of link
		strings.Repeat("1", MostLink+1):                             errLinkLength,
	} {
		state, err := Unlink(link)
		assert.ErrorIs(t, err, want, "%.40s", link)
		assert.Empty(t, state.Topology)
	}
}

func FuzzUnlink(f *testing.F) {
	link, err := Link(State{Topology: "group sg-a\n", Packets: "tcp a > b:1"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(link)
	f.Add("1.")
	f.Fuzz(func(t *testing.T, link string) {
		s, err := Unlink(link)
		if err != nil {
			return
		}
		if len(s.Topology)+len(s.Packets) > MostState {
			t.Fatal("longer than a link holds")
		}
		if again, err := Link(s); err == nil {
			if back, err := Unlink(again); err != nil || back != s {
				t.Fatalf("%+v, %v: not what it was", back, err)
			}
		}
	})
}
