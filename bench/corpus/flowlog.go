package corpus

import (
	"fmt"
	"io"
	"net/netip"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg/flowlog"
)

const (
	flowLogENIs  = 256           // interfaces with records
	flowLogStart = 1_700_000_000 // Unix seconds of the first record
	flowLogRate  = 2048          // records a second
)

// A FlowLogENI is an interface of the flow log.
type flowLogENI struct {
	addr                   netip.Addr
	id, instance, subnet   string
	az, interfaceTag, asgs string
}

var flowLogInterfaces = func() (list [flowLogENIs]flowLogENI) {
	for i := range list {
		id := scatter(uint64(i) + 1)
		list[i] = flowLogENI{
			addr:         netip.AddrFrom4([4]byte{172, 31, byte(i >> 4), byte(10 + i&15)}),
			id:           fmt.Sprintf("eni-%017x", id),
			instance:     fmt.Sprintf("i-%017x", id+1),
			subnet:       fmt.Sprintf("subnet-%017x", scatter(uint64(i>>4)+1000)),
			az:           fmt.Sprintf("use1-az%d", 1+i>>4%6),
			interfaceTag: fmt.Sprintf("role%%3Dweb%d", i&7),
			asgs:         fmt.Sprintf("asg-web-%d", i&7),
		}
	}
	return list
}()

// FlowLogRecord makes record number i of a flow log whose records, a second and
// then a second, are in the order of time. Of each connection there are two, as its
// server's interface sees them: the client's half and, unless it was rejected, the
// server's. One in 64 was rejected, and one in 512 tells that there was nothing.
// All fields of version 5, and some of later ones, have values.
func FlowLogRecord(r *flowlog.Record, i uint64) {
	f := FlowN(packet.IPv4, packet.TCP, i/2)
	x := scatter(i/2 + 1<<35)
	eni := &flowLogInterfaces[x%flowLogENIs]
	*r = flowlog.Record{
		Fields: flowLogFields, Version: 5, AccountID: "123456789012", InterfaceID: eni.id,
		SrcAddr: f.Client.Addr(), DstAddr: eni.addr, SrcPort: f.Client.Port(), DstPort: f.Server.Port(),
		Protocol: packet.TCP, Packets: 1 + x>>8%64, Start: flowLogStart + int64(i/flowLogRate),
		Action: flowlog.Accept, Status: flowlog.OK,
		VPCID: "vpc-0a1b2c3d4e5f60718", SubnetID: eni.subnet, InstanceID: eni.instance,
		TCPFlags: packet.SYN | packet.FIN, Type: "IPv4",
		Region: "us-east-1", AZID: eni.az, Direction: flowlog.Ingress,
		InterfaceTag: eni.interfaceTag, ASGTag: eni.asgs, InterfaceType: "interface",
	}
	r.Bytes = r.Packets * (40 + x>>16%1400)
	r.End = r.Start + int64(x>>32%60)
	switch rejected := x>>24&63 == 0; {
	case x>>20&511 == 0 && i%2 == 1:
		*r = flowlog.Record{
			Fields:  flowlog.Fields(flowlog.FieldVersion, flowlog.FieldAccountID, flowlog.FieldInterfaceID, flowlog.FieldStart, flowlog.FieldEnd, flowlog.FieldLogStatus),
			Version: 5, AccountID: r.AccountID, InterfaceID: eni.id, Start: r.Start, End: r.Start + 59, Status: flowlog.NoData,
		}
		return
	case rejected:
		r.Action, r.TCPFlags, r.Packets, r.Bytes = flowlog.Reject, packet.SYN, 1, 60
		r.SrcPort ^= uint16(i & 1) // tried again from another port
	case i%2 == 1:
		r.SrcAddr, r.DstAddr, r.SrcPort, r.DstPort = r.DstAddr, r.SrcAddr, r.DstPort, r.SrcPort
		r.TCPFlags |= packet.ACK
		r.Direction, r.TrafficPath = flowlog.Egress, 8
		r.Fields |= flowlog.Fields(flowlog.FieldTrafficPath)
	}
	r.PktSrcAddr, r.PktDstAddr = r.SrcAddr, r.DstAddr
}

// flowLogFields are those of a record of traffic, traffic-path aside.
var flowLogFields = flowlog.AllFields(5).Fields()&^flowlog.Fields(
	flowlog.FieldSublocationType, flowlog.FieldSublocationID, flowlog.FieldTrafficPath,
	flowlog.FieldPktSrcAWSService, flowlog.FieldPktDstAWSService,
) | flowlog.Fields(flowlog.FieldInterfaceTag, flowlog.FieldASGTag, flowlog.FieldInterfaceType)

// WriteFlowLog writes n records in the format, with the header line that files on
// S3 have. Ten gigabytes of the default format are about 100 million.
func WriteFlowLog(w io.Writer, f flowlog.Format, n uint64) error {
	b := append([]byte(f.Header()), '\n')
	var r flowlog.Record
	for i := range n {
		FlowLogRecord(&r, i)
		b = append(f.AppendRecord(b, &r), '\n')
		if len(b) >= 64<<10 {
			if _, err := w.Write(b); err != nil {
				return err
			}
			b = b[:0]
		}
	}
	_, err := w.Write(b)
	return err
}
