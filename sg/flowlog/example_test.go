package flowlog_test

import (
	"fmt"
	"strings"

	"github.com/sgsim/sgsim/sg/flowlog"
)

// A file as S3 has it: the first line names the fields. One line was cut short.
func Example() {
	const log = `version interface-id srcaddr dstaddr dstport protocol start action log-status
3 eni-0b 198.51.100.7 10.0.0.11 443 6 1700000000 ACCEPT OK
3 eni-0b 198.51.100.7 10.0.0.11 22 6 1700000
3 eni-0b 198.51.100.7 10.0.0.11 22 6 1700000003 REJECT OK
3 eni-0c - - - - 1700000000 - NODATA
`
	r := flowlog.NewReader("web.log", strings.NewReader(log), &flowlog.Options{
		Damaged: func(e *flowlog.Error) { fmt.Println("left out:", e) },
	})
	for rec, err := range r.Records() {
		if err != nil {
			fmt.Println(err)
			return
		}
		if rec.Status != flowlog.OK {
			continue // nothing passed, or nobody knows what
		}
		fmt.Println(rec.InterfaceID, rec.Src(), "to port", rec.DstPort, rec.Action)
	}
	s := r.Stats()
	fmt.Println(s.Records, "records,", s.NoData, "of nothing,", s.Damaged, "damaged")
	// Output:
	// eni-0b 198.51.100.7 to port 443 ACCEPT
	// left out: web.log:3: 7 fields, want the 9 of ${version} ${interface-id} ${srcaddr} ${dstaddr} ${dstport} ${protocol} ${start} ${action} ${log-status}
	// eni-0b 198.51.100.7 to port 22 REJECT
	// 3 records, 1 of nothing, 1 damaged
}

// Records are written in the format of one's choice, and read back equal.
func ExampleFormat_AppendRecord() {
	format, err := flowlog.ParseFormat("${interface-id} ${srcaddr} ${dstaddr} ${action}")
	if err != nil {
		fmt.Println(err)
		return
	}
	r := flowlog.Record{
		InterfaceID: "eni-0b", Action: flowlog.Accept,
		Fields: format.Fields(), // the addresses have no value, which writing sees
	}
	line := string(format.AppendRecord(nil, &r))
	fmt.Println(format.Header())
	fmt.Println(line)

	var back flowlog.Record
	err = format.Parse(line, &back)
	fmt.Println(back.InterfaceID, back.Action, back.Has(flowlog.FieldSrcAddr), err)
	// Output:
	// interface-id srcaddr dstaddr action
	// eni-0b - - ACCEPT
	// eni-0b ACCEPT false <nil>
}
