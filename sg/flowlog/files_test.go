package flowlog_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg/flowlog"
)

// tree writes files into a folder of the test's.
func tree(t testing.TB, files map[string]string) string {
	root := t.TempDir()
	for name, text := range files {
		name = filepath.Join(root, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
	}
	return root
}

// at is a log of one interface with records that start at these seconds.
func at(eni string, starts ...int) string {
	s := "start interface-id\n"
	for _, start := range starts {
		s += fmt.Sprintln(start, eni)
	}
	return s
}

// merged reads paths and returns "start interface" of each record.
func merged(t testing.TB, paths ...string) (got []string, stats flowlog.Stats) {
	t.Helper()
	r, err := flowlog.Open(nil, paths...)
	require.NoError(t, err)
	for rec, err := range r.Records() {
		require.NoError(t, err)
		got = append(got, fmt.Sprint(rec.Start, " ", rec.InterfaceID))
	}
	assert.Equal(t, r.Size(), r.Stats().Read, "all is read")
	return got, r.Stats()
}

// Both styles of paths on S3, among files of others.
func TestFolders(t *testing.T) {
	const (
		plain = "flow/AWSLogs/123456789012/vpcflowlogs/us-east-1/2023/11/14/22/"
		hive  = "flow/AWSLogs/aws-account-id=123456789012/aws-service=vpcflowlogs/aws-region=us-east-1/year=2023/month=11/day=14/hour=22/"
		name  = "123456789012_vpcflowlogs_us-east-1_fl-0a1b2c3d_20231114T%sZ_0badcafe.log.gz"
	)
	root := tree(t, map[string]string{
		plain + fmt.Sprintf(name, "2215"): packed(at("eni-b", 1700000110, 1700000105)),
		plain + fmt.Sprintf(name, "2220"): packed(at("eni-c", 1700000401)),
		hive + fmt.Sprintf(name, "2210"):  packed(at("eni-a", 1699999801)),
		plain + ".DS_Store":               "\x00",
		plain + "_SUCCESS":                "",
		".hidden/x.log":                   at("eni-x", 1),
		"AWSLogs/123456789012/CloudTrail/us-east-1/123456789012_CloudTrail_us-east-1_20231114T2215Z_x.json.gz": packed(`{"Records":[]}`),
	})
	got, stats := merged(t, root)
	assert.Equal(t, []string{"1699999801 eni-a", "1700000110 eni-b", "1700000105 eni-b", "1700000401 eni-c"}, got)
	assert.Equal(t, 3, stats.Files)
	assert.Equal(t, 3, stats.Ignored)
	assert.Zero(t, stats.Damaged)
}

// A folder without a flow log is an error, which says what was in the way; one with a
// header alone is a log without records.
func TestFolderWithoutLogs(t *testing.T) {
	log := tree(t, map[string]string{"a.log": at("eni-a", 1)})
	headed := tree(t, map[string]string{"a.log": at("eni-a"), "b.json": "{}"})
	none := tree(t, map[string]string{"groups.json": `{"SecurityGroups": []}`, "enis.json": `{"NetworkInterfaces": []}`})
	bare := tree(t, map[string]string{"groups.json": "{}", "x.log": "eni-a 1 2\neni-a 1 2 3\n"})
	for _, paths := range [][]string{{none}, {log, none}, {headed, none, log}} {
		_, err := flowlog.Open(nil, paths...)
		assert.EqualError(t, err, "no flow log in "+none)
	}
	_, err := flowlog.Open(nil, log, bare)
	assert.ErrorContains(t, err, "no flow log in "+bare+": "+filepath.Join(bare, "x.log")+":1: 3 fields, want the 14 of ")
	var count *flowlog.CountError
	assert.ErrorAs(t, err, &count)
	_, stats := merged(t, log, headed)
	assert.Equal(t, 1, stats.Records)
}

// Files that overlap in time are merged; at the same second, the first that was
// named counts.
func TestMerge(t *testing.T) {
	root := tree(t, map[string]string{
		"a.log": at("eni-a", 10, 20, 30, 40),
		"b.log": at("eni-b", 15, 20, 35),
		"c.log": at("eni-c", 38, 39),
		"d.log": at("eni-d"),
		"e.log": "interface-id\neni-e\neni-e\n", // tells no time
	})
	file := func(s string) string { return filepath.Join(root, s+".log") }
	got, stats := merged(t, file("c"), file("b"), file("a"), file("d"), file("e"))
	assert.Equal(t, "0 eni-e,0 eni-e,10 eni-a,15 eni-b,20 eni-b,20 eni-a,30 eni-a,35 eni-b,38 eni-c,39 eni-c,40 eni-a", strings.Join(got, ","))
	assert.Equal(t, 5, stats.Files)
}

// More files than may be open at once that all overlap: every record is there.
func TestMergeMany(t *testing.T) {
	files := map[string]string{}
	for i := range 300 {
		files[fmt.Sprintf("%03d.log", i)] = at(fmt.Sprintf("eni-%03d", i), 1000+i%7, 2000)
	}
	got, stats := merged(t, tree(t, files))
	assert.Len(t, got, 600)
	assert.Equal(t, 300, stats.Files)
	assert.Equal(t, "1000 eni-000", got[0])
}

// Files that do not overlap are opened one after the other.
func TestMergeOpensLate(t *testing.T) {
	r, err := flowlog.Open(nil, tree(t, map[string]string{"a.log": at("eni-a", 1, 2), "b.log": at("eni-b", 3, 9), "c.log": at("eni-c", 5)}))
	require.NoError(t, err)
	var open []int
	for _, err := range r.Records() {
		require.NoError(t, err)
		open = append(open, r.Stats().Files)
	}
	assert.Equal(t, []int{1, 1, 2, 3, 3}, open)
}

func TestOpenErrors(t *testing.T) {
	root := tree(t, map[string]string{"_SUCCESS": "", "a.log": at("eni-a", 1)})
	_, err := flowlog.Open(nil, filepath.Join(root, "b.log"))
	assert.ErrorIs(t, err, os.ErrNotExist)
	_, err = flowlog.Open(nil)
	assert.ErrorContains(t, err, "no flow log in []")
	_, err = flowlog.Open(nil, tree(t, map[string]string{"_SUCCESS": ""}))
	assert.ErrorContains(t, err, "no flow log in [")

	// A file that goes away before its turn ends the records.
	r, err := flowlog.Open(nil, filepath.Join(root, "a.log"))
	require.NoError(t, err)
	require.NoError(t, os.Remove(filepath.Join(root, "a.log")))
	for _, err := range r.Records() {
		assert.ErrorIs(t, err, os.ErrNotExist)
	}
}

// One file is damaged, the others are read; leaving the loop closes files.
func TestOpenDamaged(t *testing.T) {
	cut := packed(at("eni-a", 10, 20))
	root := tree(t, map[string]string{
		"a.log.gz": cut[:len(cut)-8], "b.log": at("eni-b", 15), "c.parquet": "PAR1", "d.gz": "\x1f\x8b",
	})
	var d damage
	r, err := flowlog.Open(d.options(), root)
	require.NoError(t, err)
	n := 0
	for _, err := range r.Records() {
		require.NoError(t, err)
		n++
	}
	assert.Equal(t, 3, n)
	assert.Len(t, d, 3)
	assert.Equal(t, 3, r.Stats().Damaged)

	r, err = flowlog.Open(nil, root)
	require.NoError(t, err)
	for range r.Records() {
		break
	}
	for range r.Records() {
		t.Fatal("a Reader is used once")
	}
}
