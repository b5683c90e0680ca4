package flowlog_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg/flowlog"
)

const (
	line1 = "2 111122223333 eni-a 10.0.0.1 10.0.0.2 1001 443 6 5 218 1700000000 1700000001 ACCEPT OK"
	line2 = "2 111122223333 eni-a 10.0.0.1 10.0.0.2 1002 443 6 5 218 1700000002 1700000003 REJECT OK"
	line3 = "2 111122223333 eni-b - - - - - - - 1700000000 1700000599 - NODATA"
)

var lines = []string{line1, line2, line3}

// readAll reads a log; each record is written in format, with its line in front. No
// record holds more than what its fields say.
func readAll(t testing.TB, r *flowlog.Reader, format flowlog.Format) []string {
	t.Helper()
	var got []string
	for rec, err := range r.Records() {
		require.NoError(t, err)
		var again flowlog.Record
		all := flowlog.AllFields(11)
		require.NoError(t, all.Parse(string(all.AppendRecord(nil, rec)), &again))
		require.Equal(t, again, *rec)
		got = append(got, fmt.Sprintf("%d: %s", r.Position().Line, format.AppendRecord(nil, rec)))
	}
	return got
}

// damage gathers what a Reader could not read.
type damage []string

func (d *damage) options(formats ...flowlog.Format) *flowlog.Options {
	return &flowlog.Options{Formats: formats, Damaged: func(e *flowlog.Error) {
		*d = append(*d, strings.TrimSpace(fmt.Sprint(e, map[bool]string{true: " (rest)"}[e.Rest])))
	}}
}

func packed(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	io.WriteString(z, s)
	z.Close()
	return b.String()
}

// event is what a subscription sends, base64 of gzip of JSON.
func event(messages ...string) string {
	const head = `{"messageType":"DATA_MESSAGE","owner":"111122223333","logGroup":"vpc","logStream":"eni-a-all","subscriptionFilters":["f"],"logEvents":[`
	return base64.StdEncoding.EncodeToString([]byte(packed(head + events(messages...) + "]}")))
}

func events(messages ...string) string {
	var list []string
	for i, m := range messages {
		list = append(list, fmt.Sprintf(`{"id":"3195310660696698","timestamp":170000000%d000,"message":%q,"ingestionTime":1700000100000}`, i, m))
	}
	return strings.Join(list, ",")
}

// Every form in which the same three records come.
func TestForms(t *testing.T) {
	text := strings.Join(lines, "\n") + "\n"
	header := flowlog.DefaultFormat.Header() + "\n"
	results := func() string {
		var rows []string
		for _, l := range lines {
			rows = append(rows, fmt.Sprintf(`[{"field":"@timestamp","value":"2023-11-14 22:13:20.000"},{"field":"@message","value":%q},{"field":"@ptr","value":"CmEKJgoi"}]`, l))
		}
		return `{"results":[` + strings.Join(rows, ",") + `],"statistics":{"recordsMatched":3.0},"status":"Complete"}`
	}()
	timed := func(format string, quote string) (s string) {
		for _, l := range lines {
			s += format + quote + l + quote + "\n"
		}
		return s
	}
	for _, c := range []struct {
		name, in string
		first    int // line of the first record
	}{
		{"CloudWatch text", text, 1},
		{"CloudWatch text without the last newline", strings.TrimSuffix(text, "\n"), 1},
		{"CloudWatch text with CRLF", strings.ReplaceAll(text, "\n", "\r\n"), 1},
		{"S3 text", header + text, 2},
		{"S3 text with a byte order mark", "\xef\xbb\xbf" + header + text, 2},
		{"S3 text in gzip", packed(header + text), 2},
		{"S3 text in gzip of several members", packed(header) + packed(line1+"\n") + packed(line2+"\n"+line3), 2},
		{"export task", timed("2023-11-14T22:13:20.000Z ", ""), 1},
		{"aws logs tail", timed("2023-11-14T22:13:20+00:00 eni-a-accept ", ""), 1},
		{"aws logs tail, short", timed("2023-11-14T22:13:20 ", ""), 1},
		{"console", "timestamp,message\n" + timed("1700000000000,", ""), 2},
		{"console with quotes", "timestamp,message\r\n" + timed("1700000000000,", `"`), 2},
		{"get-log-events", `{"events":[` + events(lines...) + `],"nextForwardToken":"f/1","nextBackwardToken":"b/1"}`, 1},
		{"filter-log-events", "\n " + `{"searchedLogStreams":[],"events":[` + strings.ReplaceAll(events(lines...), `{"id"`, `{"logStreamName":"eni-a-all","eventId"`) + `]}`, 1},
		{"events in gzip", packed(`{"events":[` + events(lines...) + `]}`), 1},
		{"get-query-results", results, 1},
		{"Lambda", `{"awslogs":{"data":"` + event(lines...) + `"}}`, 1},
		{"Kinesis", `{"Records":[{"kinesis":{"sequenceNumber":"1","data":"` + event(line1) + `"}},{"kinesis":{"data":"` + event(line2, line3) + `"}}]}`, 1},
		{"get-records", `{"Records":[{"Data":"` + event(lines...) + `","PartitionKey":"1"}]}`, 1},
		{"Firehose", `{"message":"` + line1 + `"}` + "\n" + `{"message":"` + line2 + `"}{"message":"` + line3 + `\n"}`, 1},
		{"with a control message", `{"messageType":"CONTROL_MESSAGE","logEvents":[` + events("CWL CONTROL MESSAGE: Checking health of destination Firehose.") + `]}` +
			`{"logEvents":[` + events(lines...) + `]}`, 1},
		{"messages of several lines", `{"message":` + fmt.Sprintf("%q", text) + `}`, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			var want []string
			for i, l := range lines {
				want = append(want, fmt.Sprintf("%d: %s", c.first+i, l))
			}
			var d damage
			r := flowlog.NewReader("log", strings.NewReader(c.in), d.options())
			assert.Equal(t, want, readAll(t, r, flowlog.DefaultFormat))
			assert.Empty(t, d)
			stats := flowlog.Stats{Files: 1, Read: int64(len(c.in)), Records: 3, NoData: 1}
			if strings.HasPrefix(c.name, "S3 text") {
				stats.Headed = 1
			}
			assert.Equal(t, stats, r.Stats())

			slow := iotest.OneByteReader(strings.NewReader(c.in))
			assert.Equal(t, want, readAll(t, flowlog.NewReader("log", slow, nil), flowlog.DefaultFormat))
		})
	}
}

// A header holds from where it stands: files that were joined may have several.
// What it names and nobody knows is passed over.
func TestHeaders(t *testing.T) {
	const in = `dstaddr colour srcaddr log-status
10.0.0.2 red 10.0.0.1 OK
10.0.0.3 - 10.0.0.1 SKIPDATA
interface-id vpc-id
eni-a vpc-a

srcaddr
10.0.0.9
`
	f, err := flowlog.ParseFormat("interface-id srcaddr dstaddr vpc-id log-status")
	require.NoError(t, err)
	r := flowlog.NewReader("log", strings.NewReader(in), nil)
	assert.Equal(t, []string{
		"2: - 10.0.0.1 10.0.0.2 - OK",
		"3: - 10.0.0.1 10.0.0.3 - SKIPDATA",
		"5: eni-a - - vpc-a -",
		"8: - 10.0.0.9 - - -",
	}, readAll(t, r, f))
	assert.Equal(t, 1, r.Stats().SkipData)
	assert.Equal(t, "srcaddr", r.Format().Header())

	r = flowlog.NewReader("log", strings.NewReader(in), nil)
	for range r.Records() {
		assert.Equal(t, []string{"colour"}, r.Format().Unknown())
		break
	}
}

// Of several formats, the number of fields tells which one a line has; the first is
// taken where a file begins.
func TestFormatsGiven(t *testing.T) {
	short, err := flowlog.ParseFormat("interface-id srcaddr action")
	require.NoError(t, err)
	twice, err := flowlog.ParseFormat("start interface-id srcaddr action")
	require.NoError(t, err)
	in := "eni-a 10.0.0.1 ACCEPT\n" + line1 + "\n7 eni-b 10.0.0.2 REJECT\n7 8\n" + strings.Replace(line1, "443", "x", 1) + "\n8 eni-b 10.0.0.2 REJECT\neni-a 10.0.0.3 ACCEPT\n2023-11-14T22:13:20.000Z eni-c-all eni-a 10.0.0.4 -\n"
	var d damage
	r := flowlog.NewReader("log", strings.NewReader(in), d.options(short, twice, flowlog.Format{}))
	assert.Equal(t, []string{
		"1: - eni-a 10.0.0.1 ACCEPT",
		"2: 1700000000 eni-a 10.0.0.1 ACCEPT",
		"3: 7 eni-b 10.0.0.2 REJECT",
		"6: 8 eni-b 10.0.0.2 REJECT",
		"7: - eni-a 10.0.0.3 ACCEPT",
		"8: - eni-a 10.0.0.4 -",
	}, readAll(t, r, twice))
	assert.Equal(t, damage{
		"log:4: 2 fields, want the 4 of ${start} ${interface-id} ${srcaddr} ${action}",
		"log:5: 14 fields, want the 4 of ${start} ${interface-id} ${srcaddr} ${action}",
	}, d)

	// The header of a file counts for more than what was given.
	d = nil
	r = flowlog.NewReader("log", strings.NewReader("action bytes\nACCEPT 5\neni-a 10.0.0.1 ACCEPT\n"), d.options(short))
	assert.Len(t, readAll(t, r, short), 1)
	assert.Equal(t, damage{"log:3: 3 fields, want the 2 of ${action} ${bytes}"}, d)
}

// What cannot be read is told with its place, and the records around it are there.
func TestDamage(t *testing.T) {
	whole := line1 + "\n" + line2 + "\n"
	cut := packed(strings.Repeat(whole, 500))
	for _, c := range []struct {
		name, in string
		records  int
		want     []string
	}{
		{"lines", line1 + "\nrubbish\n\n" + strings.Replace(line1, "443", "x", 1) + "\n" + line2, 2, []string{
			"log:2: 1 fields, want the 14 of ${version}",
			`log:4: dstport: "x" is no number of 16 bits`,
		}},
		{"a line of a megabyte", line1 + "\n" + strings.Repeat("x", 1<<20) + "\n" + line2, 2, []string{"log:2: line of 64 KiB or more"}},
		{"a last line of a megabyte", line1 + "\n" + strings.Repeat("x", 1<<20), 1, []string{"log:2: line of 64 KiB or more"}},
		{"a long line among many", strings.Repeat(whole, 1000) + strings.Repeat("x", 1<<17) + "\n" + strings.Repeat(whole, 1000), 4000, []string{"log:2001: line of 64 KiB"}},
		{"zeros", whole + "\x00\x00\n" + whole, 4, []string{"log:3: 1 fields"}},
		{"cut gzip", cut[:len(cut)-8], 1000, []string{"log:1001: unexpected EOF (rest)"}},
		{"not gzip after all", "\x1f\x8b rubbish", 0, []string{"log: gzip: invalid header (rest)"}},
		{"cut JSON", `{"events":[` + events(line1), 1, []string{"log:2: unexpected EOF (rest)"}},
		{"wrong JSON", `{"events":[` + events(line1) + `;`, 1, []string{"log:2: invalid character ';' after array element (rest)"}},
		{"damaged message", `[{"message":"` + line1 + `"},{"message":"oops"},{"message":"` + line2 + `"}]`, 2, []string{"log:2: 1 fields"}},
		{"data that is not base64", `{"data":"****"}`, 0, []string{"log:1: illegal base64 data at input byte 0 (rest)"}},
		{"data in data", `{"data":"` + nested(2) + `"}`, 0, []string{"log:1: JSON: nested too deep (rest)"}},
		{"deep JSON", strings.Repeat("[", 100), 0, []string{"log:1: JSON: nested too deep (rest)"}},
		{"long string", `{"a":"` + strings.Repeat("x", 17<<20) + `"}`, 0, []string{"log:1: JSON: string of more than 16 MiB (rest)"}},
		{"query without @message", `{"results":[[{"field":"srcAddr","value":"10.0.0.1"}]]}`, 0, []string{"log:1: JSON: query results without @message"}},
		{"Parquet", "PAR1\x15\x04", 0, []string{"log: a Parquet file: turn it into text with the command in"}},
		{"UTF-16", "\xff\xfe2\x00", 0, []string{"log: text in UTF-16"}},
		{"transit gateway", "version resource-type account-id tgw-id tgw-attachment-id tgw-src-vpc-account-id tgw-dst-vpc-account-id\n6 TransitGateway 1 tgw-1 a b c\n", 0,
			[]string{"log:1: a flow log of a transit gateway, not of interfaces (rest)"}},
		{"gzip that expands", packed(line1 + "\n" + strings.Repeat("\n", 40<<20)), 1, []string{"gzip: expands beyond all measure (rest)"}},
		{"data that expands", packed(`{"data":"` + base64.StdEncoding.EncodeToString([]byte(packed(strings.Repeat(" ", 20<<20)))) + `"}`), 0,
			[]string{"log:1: gzip: expands beyond all measure (rest)"}},
		{"nothing", "", 0, nil},
		{"no lines", "\n\n", 0, nil},
		{"no events", `{"events":[]}`, 0, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var d damage
			r := flowlog.NewReader("log", strings.NewReader(c.in), d.options())
			assert.Equal(t, c.records, len(readAll(t, r, flowlog.DefaultFormat)))
			require.Len(t, d, len(c.want))
			for i, want := range c.want {
				assert.Contains(t, d[i], want)
			}
			assert.Equal(t, len(c.want), r.Stats().Damaged)
		})
	}
}

func nested(n int) string {
	s := ""
	for range n {
		s = base64.StdEncoding.EncodeToString([]byte(`{"data":"` + s + `"}`))
	}
	return s
}

// What the machine refuses ends the records.
func TestReadError(t *testing.T) {
	broken := errors.New("disk on fire")
	in := io.MultiReader(strings.NewReader(line1+"\n"+line2[:30]), iotest.ErrReader(broken))
	r := flowlog.NewReader("log", in, nil)
	var errs []error
	n := 0
	for _, err := range r.Records() {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		n++
	}
	assert.Equal(t, 1, n)
	require.Len(t, errs, 1)
	assert.ErrorIs(t, errs[0], broken)
	assert.EqualError(t, errs[0], "log:2: disk on fire")
}

// A record may be kept, and so may its strings: nothing of it changes.
func TestRecordsKept(t *testing.T) {
	var in strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&in, "2 %d eni-%d 10.0.0.1 10.0.0.2 1 2 6 5 218 1700000000 1700000001 ACCEPT OK\n", i, i%3000)
	}
	var kept []flowlog.Record
	for rec, err := range flowlog.NewReader("log", strings.NewReader(in.String()), nil).Records() {
		require.NoError(t, err)
		kept = append(kept, *rec)
	}
	require.Len(t, kept, 5000)
	for i, r := range kept {
		require.Equal(t, fmt.Sprint(i), r.AccountID)
		require.Equal(t, fmt.Sprintf("eni-%d", i%3000), r.InterfaceID)
	}
}

// Text costs an allocation for each block of 64 KiB and each new string, not for
// each record.
func TestReadAllocations(t *testing.T) {
	in := strings.Repeat(line1+"\n"+line2+"\n"+line3+"\n", 10_000)
	n := testing.AllocsPerRun(3, func() {
		for _, err := range flowlog.NewReader("log", strings.NewReader(in), nil).Records() {
			if err != nil {
				t.Fatal(err)
			}
		}
	})
	assert.Less(t, n, 200.0, "for 30000 records")
	var r flowlog.Record
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		if flowlog.DefaultFormat.Parse(line1, &r) != nil {
			t.Fatal()
		}
	}))
}
