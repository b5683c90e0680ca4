package replay

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg/internal/escape"
)

// DefaultFlowLogFormat is the record of version 2, which AWS writes where no
// format is named (FL-01).
const DefaultFlowLogFormat = "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} " +
	"${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}"

// A flowField writes one field of a record. Without a flow, in a NODATA record,
// the fields that describe one are "-".
type flowField struct {
	version int // that brought the field (FL-02)
	append  func(b []byte, r *flowRecord) []byte
}

// flowFields are the fields of versions 2 to 5 by name. What no topology and no
// capture tells is "-", as AWS writes for a field that does not apply.
var flowFields = map[string]flowField{
	"version":      {2, func(b []byte, r *flowRecord) []byte { return strconv.AppendInt(b, int64(r.version), 10) }},
	"account-id":   {2, func(b []byte, r *flowRecord) []byte { return escape.AppendField(b, string(r.eni.Account)) }},
	"interface-id": {2, func(b []byte, r *flowRecord) []byte { return escape.AppendField(b, string(r.eni.ID)) }},
	"srcaddr":      {2, ofFlow(func(b []byte, f *flow) []byte { return f.shownSrc.AppendTo(b) })},
	"dstaddr":      {2, ofFlow(func(b []byte, f *flow) []byte { return f.shownDst.AppendTo(b) })},
	"srcport":      {2, ofFlow(func(b []byte, f *flow) []byte { return appendUint(b, uint64(f.key.srcPort)) })},
	"dstport":      {2, ofFlow(func(b []byte, f *flow) []byte { return appendUint(b, uint64(f.key.dstPort)) })},
	"protocol":     {2, ofFlow(func(b []byte, f *flow) []byte { return appendUint(b, uint64(f.key.protocol)) })},
	"packets":      {2, ofFlow(func(b []byte, f *flow) []byte { return appendUint(b, f.packets) })},
	"bytes":        {2, ofFlow(func(b []byte, f *flow) []byte { return appendUint(b, f.bytes) })},
	"start":        {2, func(b []byte, r *flowRecord) []byte { return strconv.AppendInt(b, r.start, 10) }},
	"end":          {2, func(b []byte, r *flowRecord) []byte { return strconv.AppendInt(b, r.end, 10) }},
	"action":       {2, ofFlow(func(b []byte, f *flow) []byte { return append(b, f.key.action()...) })},
	"log-status":   {2, func(b []byte, r *flowRecord) []byte { return append(b, r.status()...) }},

	"vpc-id":      {3, func(b []byte, r *flowRecord) []byte { return escape.AppendField(b, string(r.eni.VPC)) }},
	"subnet-id":   {3, func(b []byte, r *flowRecord) []byte { return escape.AppendField(b, string(r.eni.Subnet)) }},
	"instance-id": {3, func(b []byte, r *flowRecord) []byte { return escape.AppendField(b, string(r.eni.Instance)) }},
	"tcp-flags":   {3, ofFlow(func(b []byte, f *flow) []byte { return appendUint(b, uint64(f.tcpFlags)) })},
	"type":        {3, ofFlow(appendType)},
	"pkt-srcaddr": {3, ofFlow(func(b []byte, f *flow) []byte { return appendAddr(b, f.key.family, &f.key.src) })},
	"pkt-dstaddr": {3, ofFlow(func(b []byte, f *flow) []byte { return appendAddr(b, f.key.family, &f.key.dst) })},

	"region":           {4, dash},
	"az-id":            {4, dash},
	"sublocation-type": {4, dash},
	"sublocation-id":   {4, dash},

	"pkt-src-aws-service": {5, dash},
	"pkt-dst-aws-service": {5, dash},
	"flow-direction":      {5, ofFlow(func(b []byte, f *flow) []byte { return append(b, f.key.dir.String()...) })},
	"traffic-path":        {5, dash},
}

func appendType(b []byte, f *flow) []byte {
	if f.key.family == packet.IPv4 {
		return append(b, "IPv4"...)
	}
	return append(b, "IPv6"...)
}

func ofFlow(field func([]byte, *flow) []byte) func([]byte, *flowRecord) []byte {
	return func(b []byte, r *flowRecord) []byte {
		if r.flow == nil {
			return append(b, '-')
		}
		return field(b, r.flow)
	}
}

func dash(b []byte, _ *flowRecord) []byte { return append(b, '-') }

// parseFlowFormat reads a format as the AWS CLI takes it in --log-format: field
// names in ${}, separated by spaces. It returns the fields in order and the
// version of the record, the highest of its fields (FL-02).
func parseFlowFormat(format string) (fields []flowField, version int, err error) {
	version = 2
	for i, word := range strings.Fields(format) {
		name, ok := strings.CutPrefix(word, "${")
		if ok {
			name, ok = strings.CutSuffix(name, "}")
		}
		if !ok {
			return nil, 0, fmt.Errorf("flow log format: field %d: %q is not of the form ${name}", i+1, word)
		}
		f, ok := flowFields[name]
		if !ok {
			return nil, 0, fmt.Errorf("flow log format: field %d: %q is no field of versions 2 to 5", i+1, name)
		}
		fields = append(fields, f)
		version = max(version, f.version)
	}
	if len(fields) == 0 {
		return nil, 0, fmt.Errorf("flow log format: no field in %q", format)
	}
	return fields, version, nil
}
