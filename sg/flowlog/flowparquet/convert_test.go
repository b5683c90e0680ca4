package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/sgsim/sgsim/sg/flowlog"
)

// A row has the columns of version 5 as AWS's list of fields gives their types, all
// optional, and one that no version has.
type row struct {
	Version         *int32  `parquet:"version,optional"`
	AccountID       *string `parquet:"account_id,optional"`
	InterfaceID     *string `parquet:"interface_id,optional"`
	SrcAddr         *string `parquet:"srcaddr,optional"`
	DstAddr         *string `parquet:"dstaddr,optional"`
	SrcPort         *int32  `parquet:"srcport,optional"`
	DstPort         *int32  `parquet:"dstport,optional"`
	Protocol        *int32  `parquet:"protocol,optional"`
	Packets         *int64  `parquet:"packets,optional"`
	Bytes           *int64  `parquet:"bytes,optional"`
	Start           *int64  `parquet:"start,optional"`
	End             *int64  `parquet:"end,optional"`
	Action          *string `parquet:"action,optional"`
	LogStatus       *string `parquet:"log_status,optional"`
	VPCID           *string `parquet:"vpc_id,optional"`
	SubnetID        *string `parquet:"subnet_id,optional"`
	InstanceID      *string `parquet:"instance_id,optional"`
	TCPFlags        *int32  `parquet:"tcp_flags,optional"`
	Type            *string `parquet:"type,optional"`
	PktSrcAddr      *string `parquet:"pkt_srcaddr,optional"`
	PktDstAddr      *string `parquet:"pkt_dstaddr,optional"`
	Region          *string `parquet:"region,optional"`
	AZID            *string `parquet:"az_id,optional"`
	SublocationType *string `parquet:"sublocation_type,optional"`
	SublocationID   *string `parquet:"sublocation_id,optional"`
	PktSrcService   *string `parquet:"pkt_src_aws_service,optional"`
	PktDstService   *string `parquet:"pkt_dst_aws_service,optional"`
	Direction       *string `parquet:"flow_direction,optional"`
	TrafficPath     *int32  `parquet:"traffic_path,optional"`
	Mood            *string `parquet:"mood_of_day,optional"`
}

func p[T any](v T) *T { return &v }

var rows = []row{
	{
		Version: p[int32](5), AccountID: p("123456789012"), InterfaceID: p("eni-a"), SrcAddr: p("10.0.0.1"), DstAddr: p("2001:db8::1"),
		SrcPort: p[int32](40000), DstPort: p[int32](443), Protocol: p[int32](6), Packets: p[int64](1 << 40), Bytes: p[int64](1 << 50),
		Start: p[int64](1700000000), End: p[int64](1700000059), Action: p("ACCEPT"), LogStatus: p("OK"), VPCID: p("vpc-a"), SubnetID: p("subnet-a"),
		TCPFlags: p[int32](19), Type: p("IPv4"), PktSrcAddr: p("10.0.0.2"), PktDstAddr: p("2001:db8::1"), Region: p("us-east-1"), AZID: p("use1-az1"),
		PktDstService: p("S3"), Direction: p("egress"), TrafficPath: p[int32](8), Mood: p("rather good"),
	},
	{InterfaceID: p("eni-b"), Start: p[int64](1700000000), LogStatus: p("NODATA"), InstanceID: p("")},
}

const rowLines = `5 123456789012 eni-a 10.0.0.1 2001:db8::1 40000 443 6 1099511627776 1125899906842624 1700000000 1700000059 ACCEPT OK vpc-a subnet-a - 19 IPv4 10.0.0.2 2001:db8::1 us-east-1 use1-az1 - - - S3 egress 8 rather%20good
- - eni-b - - - - - - - 1700000000 - - NODATA - - - - - - - - - - - - - - - -
`

// write writes n rows of T as AWS does: pages in gzip, several row groups.
func write[T any](t testing.TB, name string, rows ...T) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := parquet.NewGenericWriter[T](f, parquet.Compression(&parquet.Gzip), parquet.MaxRowsPerRowGroup(1000))
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return name
}

func convert(t testing.TB, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	status = run(args, &out, &err)
	return status, out.String(), err.String()
}

func TestConvert(t *testing.T) {
	name := write(t, filepath.Join(t.TempDir(), "a.log.parquet"), rows...)
	status, out, stderr := convert(t, name)
	if want := flowlog.AllFields(5).Header() + " mood-of-day\n" + rowLines; status != 0 || out != want || stderr != "" {
		t.Fatalf("status %d, %s\ngot:\n%swant:\n%s", status, stderr, out, want)
	}

	r := flowlog.NewReader("text", strings.NewReader(out), nil)
	var got []flowlog.Record
	for rec, err := range r.Records() {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, *rec)
	}
	if len(got) != 2 || r.Stats().Damaged != 0 || r.Stats().NoData != 1 {
		t.Fatalf("%d records, %+v", len(got), r.Stats())
	}
	if a := got[0]; a.Dst().String() != "2001:db8::1" || a.Bytes != 1<<50 || a.TCPFlags != 19 || a.Direction != flowlog.Egress || a.Has(flowlog.FieldInstanceID) {
		t.Fatalf("%+v", a)
	}
}

func TestFormat(t *testing.T) {
	name := write(t, filepath.Join(t.TempDir(), "a.log.parquet"), rows...)
	_, out, stderr := convert(t, "-format", "${log-status} ${reject-reason} ${interface-id}", name)
	if want := "log-status reject-reason interface-id\nOK - eni-a\nNODATA - eni-b\n"; out != want {
		t.Fatalf("got:\n%s%swant:\n%s", out, stderr, want)
	}
}

// Files of a folder, of which one has other columns and one is none.
func TestFolder(t *testing.T) {
	type small struct {
		DstAddr string `parquet:"dstaddr"`
		Start   int64  `parquet:"start"`
	}
	type other struct {
		Name string `parquet:"name"`
	}
	root := t.TempDir()
	many := make([]small, 5000)
	for i := range many {
		many[i] = small{"10.0.0.1", int64(i)}
	}
	write(t, filepath.Join(root, "year=2023/1.log.parquet"), rows[1])
	write(t, filepath.Join(root, "year=2023/2.log.parquet"), many...)
	write(t, filepath.Join(root, "year=2023/3.log.parquet"), many[:1]...)
	write(t, filepath.Join(root, "year=2023/4.parquet"), other{"x"})
	for name, text := range map[string]string{"5.parquet": "PAR1", "6.txt": "x"} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	status, out, stderr := convert(t, root)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 1+1+1+5000+1 || lines[2] != "dstaddr start" || lines[5002] != "10.0.0.1 4999" || lines[5003] != "10.0.0.1 0" {
		t.Errorf("%d lines, among them %q", len(lines), lines[2])
	}
	if status != 1 || strings.Count(stderr, "flowparquet: ") != 2 || !strings.Contains(stderr, `4.parquet: none of the columns ["name"] is a field`) ||
		!strings.Contains(stderr, "5.parquet: ") {
		t.Errorf("status %d:\n%s", status, stderr)
	}
}

// A damaged file is an error, wherever the damage is, and never a panic.
func TestDamaged(t *testing.T) {
	name := write(t, filepath.Join(t.TempDir(), "a.log.parquet"), rows...)
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	failed := 0
	for i := 0; i < len(whole); i += 11 {
		damaged := bytes.Clone(whole)
		damaged[i] ^= 0xff
		if err := os.WriteFile(name, damaged, 0o644); err != nil {
			t.Fatal(err)
		}
		if status, _, stderr := convert(t, name); status != 0 {
			failed++
			if !strings.Contains(stderr, name) {
				t.Errorf("byte %d: %s", i, stderr)
			}
		}
	}
	if failed == 0 {
		t.Error("nothing was noticed")
	}

	type row struct {
		Start int64 `parquet:"start"`
		Port  int64 `parquet:"dstport"`
	}
	write(t, name, row{1, 443}, row{2, 70000}, row{3, 22})
	status, out, stderr := convert(t, "-format", "dstport", name)
	if status != 1 || out != "dstport\n443\n22\n" || !strings.Contains(stderr, `1 rows left out, the first for dstport: "70000"`) {
		t.Errorf("status %d\n%s%s", status, out, stderr)
	}
}

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		args   []string
		status int
		stderr string
	}{
		{nil, 2, "usage: flowparquet"},
		{[]string{"-x"}, 2, "usage: flowparquet"},
		{[]string{"-format", "a,b", "x"}, 2, `flow log format: field 1: "a,b"`},
		{[]string{"missing.parquet"}, 1, "missing.parquet"},
		{[]string{t.TempDir()}, 1, "no Parquet file in"},
	} {
		if status, _, stderr := convert(t, c.args...); status != c.status || !strings.Contains(stderr, c.stderr) {
			t.Errorf("%q: status %d, %s", c.args, status, stderr)
		}
	}
}

func BenchmarkConvert(b *testing.B) {
	many := make([]row, 20000)
	for i := range many {
		many[i] = rows[i%2]
	}
	name := write(b, filepath.Join(b.TempDir(), "a.log.parquet"), many...)
	for b.Loop() {
		if status, out, _ := convert(b, name); status != 0 || strings.Count(out, "\n") != len(many)+1 {
			b.Fatal(status)
		}
	}
	b.ReportMetric(float64(b.N)*float64(len(many))/b.Elapsed().Seconds()/1e6, "Mrec/s")
}
