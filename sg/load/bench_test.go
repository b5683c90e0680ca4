package load_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sgsim/sgsim/sg/load"
)

// manyInterfaces is the output of describe-network-interfaces for n interfaces, as
// the CLI prints it.
func manyInterfaces(n int) string {
	var b strings.Builder
	b.WriteString("{\n    \"NetworkInterfaces\": [")
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		addr := fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255)
		fmt.Fprintf(&b, `
        {
            "Attachment": {
                "AttachTime": "2026-10-01T08:00:00+00:00",
                "AttachmentId": "eni-attach-%017[1]x",
                "DeleteOnTermination": true,
                "DeviceIndex": 0,
                "InstanceId": "i-%017[1]x",
                "Status": "attached"
            },
            "AvailabilityZone": "eu-central-1a",
            "Description": "",
            "Groups": [
                {
                    "GroupName": "web",
                    "GroupId": "sg-%017[2]x"
                }
            ],
            "InterfaceType": "interface",
            "Ipv6Addresses": [],
            "MacAddress": "02:00:00:00:00:01",
            "NetworkInterfaceId": "eni-%017[1]x",
            "OwnerId": "111122223333",
            "PrivateDnsName": "ip.eu-central-1.compute.internal",
            "PrivateIpAddress": "%[3]s",
            "PrivateIpAddresses": [
                {
                    "Primary": true,
                    "PrivateIpAddress": "%[3]s"
                }
            ],
            "RequesterManaged": false,
            "SourceDestCheck": true,
            "Status": "in-use",
            "SubnetId": "subnet-0aa00000000000001",
            "TagSet": [],
            "VpcId": "vpc-0aa00000000000001"
        }`, i, i%50, addr)
	}
	b.WriteString("\n    ]\n}\n")
	return b.String()
}

func BenchmarkTopology(b *testing.B) {
	for _, n := range []int{100, 10_000} {
		text := manyInterfaces(n)
		b.Run(fmt.Sprintf("kind=interfaces/n=%d", n), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				l := load.New()
				l.Add("enis.json", strings.NewReader(text))
				topo, _, err := l.Topology()
				if err != nil || len(topo.ENIs) != n {
					b.Fatal(len(topo.ENIs), err)
				}
			}
		})
	}
}
