package flowlog_test

import (
	"strings"
	"testing"

	"github.com/sgsim/sgsim/sg/flowlog"
)

// FuzzReader reads anything as a log: nothing panics, each record that is read
// reads back equal once written, and counts agree with what was yielded.
func FuzzReader(f *testing.F) {
	header := flowlog.AllFields(11).Header()
	for _, s := range []string{
		line1 + "\n" + line3, "srcaddr dstaddr later start\n::1 10.0.0.1 x -5\n- - - -\n", header + "\n" + strings.Repeat("- ", 54),
		packed("type action\nIPv4 REJECT\n"), `{"events":[{"timestamp":1,"message":"` + line1 + `"}]}`, `{"awslogs":{"data":"` + event(line2) + `"}}`,
		`{"results":[[{"field":"@message","value":"` + line1 + `"}]]}`, "timestamp,message\n1,\"" + line1 + "\"\n",
		"2023-11-14T22:13:20.000Z eni-a-all " + line2, "version tgw-id\n", "\xef\xbb\xbfbytes\n18446744073709551615\n", "PAR1",
	} {
		f.Add([]byte(s))
	}
	all := flowlog.AllFields(11)
	f.Fuzz(func(t *testing.T, in []byte) {
		damaged := 0
		r := flowlog.NewReader("log", strings.NewReader(string(in)), &flowlog.Options{Damaged: func(e *flowlog.Error) {
			if !strings.HasPrefix(e.Error(), "log") {
				t.Fatalf("an error without a place: %v", e)
			}
			damaged++
		}})
		records := 0
		for rec, err := range r.Records() {
			if err != nil {
				t.Fatal(err)
			}
			records++
			var again flowlog.Record
			text := all.AppendRecord(nil, rec)
			if err := all.Parse(string(text), &again); err != nil {
				t.Fatalf("wrote %q: %v", text, err)
			}
			if again != *rec {
				t.Fatalf("wrote %q and read %+v of %+v", text, again, *rec)
			}
		}
		if s := r.Stats(); s.Records != records || s.Damaged != damaged || s.Read > int64(len(in)) {
			t.Fatalf("%+v of %d records, %d damaged, %d bytes", s, records, damaged, len(in))
		}
	})
}

// FuzzParseFormat: a format that is read is written as it is read again.
func FuzzParseFormat(f *testing.F) {
	f.Add(flowlog.DefaultFormat.String())
	f.Add("srcaddr ${x-1} ${} ${y")
	f.Fuzz(func(t *testing.T, s string) {
		format, err := flowlog.ParseFormat(s)
		if err != nil {
			return
		}
		for _, text := range []string{format.String(), format.Header()} {
			again, err := flowlog.ParseFormat(text)
			if err != nil || again.String() != format.String() {
				t.Fatalf("%q became %q: %v", s, again, err)
			}
		}
	})
}
