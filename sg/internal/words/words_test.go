package words

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSplit(t *testing.T) {
	ws, err := Split("\trule  sg-a id=sgr-1 desc=\"two words\" \"bare one\"  # rest = \"of it")
	require.NoError(t, err)
	assert.Equal(t, []Word{
		{Value: "rule", Start: 1}, {Value: "sg-a", Start: 7}, {Key: "id", Value: "sgr-1", Start: 12},
		{Key: "desc", Value: "two words", Start: 21}, {Value: "bare one", Start: 38},
	}, ws)
	ws, err = SplitList(`a["x, y=z"],k=b["x"].c["#"] d[0]`)
	require.NoError(t, err)
	assert.Equal(t, []Word{{Value: `a["x, y=z"]`}, {Key: "k", Value: `b["x"].c["#"]`, Start: 12}, {Value: "d[0]", Start: 28}}, ws)
	for in, want := range map[string]string{
		`a ="b"`:   `column 3: "=" without a key before it`,
		`a "b`:     `column 3: quote without an end`,
		`a k="b"c`: `column 8: "c" follows a closing quote`,
		`ab"c"`:    `column 3: quote inside a word`,
		`a["b`:     `column 3: quote inside a word`,
	} {
		_, err := Split(in)
		assert.EqualError(t, err, want, in)
	}
}

func FuzzQuote(f *testing.F) {
	for _, s := range []string{"", "sg-a", "two words", "#", "a=b", `"`, "\x00", "\\", "\u00a0", "\xff", "a,b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, split := range []func(string) ([]Word, error){Split, SplitList} {
			ws, err := split("x k=" + Quote(s) + " " + Quote(s))
			if err != nil || len(ws) != 3 || ws[1] != (Word{Key: "k", Value: s, Start: 2}) || ws[2].Key != "" || ws[2].Value != s {
				t.Fatalf("%q: got %v, %v", s, ws, err)
			}
		}
	})
}
