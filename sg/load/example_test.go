package load_test

import (
	"fmt"
	"strings"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/load"
)

// Groups and rules from the AWS CLI, and one interface by hand.
func Example() {
	const groups = `{
  "SecurityGroups": [
    {
      "GroupId": "sg-web",
      "GroupName": "web",
      "IpPermissions": [
        {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
      ]
    }
  ]
}`
	l := load.New()
	l.Add("groups.json", strings.NewReader(groups))
	web, err := load.ParseENI("id=web,addr=10.0.1.10,group=web")
	if err != nil {
		fmt.Println(err)
		return
	}
	l.AddENI("web by hand", web)
	topo, warnings, err := l.Topology()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, w := range warnings {
		fmt.Println("warning:", w)
	}
	if _, err := sg.Compile(topo); err != nil {
		fmt.Println(l.Locate(err))
		return
	}
	fmt.Println(topo.Groups[0].ID, "ingress", topo.Groups[0].Ingress[0])
	fmt.Println(topo.ENIs[0].ID, topo.ENIs[0].Addrs, topo.ENIs[0].Groups)
	fmt.Println(l.RulePlace("sg-web", sg.Ingress, 0))
	// Output:
	// sg-web ingress tcp 443 0.0.0.0/0
	// web [10.0.1.10] [sg-web]
	// groups.json:7: SecurityGroups[0].IpPermissions[0].IpRanges[0]
}

// Everything wrong is told at once, with its place.
func ExampleLoader_Topology_errors() {
	const groups = `{"SecurityGroups": [{"GroupId": "sg-web", "IpPermissions": [
  {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 80, "IpRanges": [{"CidrIp": "10.0.0/8"}]}
]}]}`
	l := load.New()
	l.Add("groups.json", strings.NewReader(groups))
	_, _, err := l.Topology()
	fmt.Println(err)
	// Output:
	// groups.json:2: SecurityGroups[0].IpPermissions[0]: port range 443-80: first above last (InvalidParameterValue)
	// groups.json:2: SecurityGroups[0].IpPermissions[0].IpRanges[0].CidrIp: "10.0.0/8" is not a CIDR block (InvalidParameterValue)
}
