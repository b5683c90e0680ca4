package check_test

import (
	"os"
	"strings"

	"github.com/sgsim/sgsim/sg/check"
	"github.com/sgsim/sgsim/sg/lint"
	"github.com/sgsim/sgsim/sg/load"
)

// A rule that another one covers, with the line of the file that holds it.
func Example() {
	const groups = `{"SecurityGroups": [{"GroupId": "sg-web", "GroupName": "web", "IpPermissions": [
  {"IpProtocol": "tcp", "FromPort": 0, "ToPort": 65535, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]},
  {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.1.0.0/16"}]}
]}]}`
	l := load.New()
	l.Add("groups.json", strings.NewReader(groups))
	topology, _, err := l.Topology()
	if err != nil {
		panic(err)
	}
	err = lint.WriteText(os.Stdout, lint.Check(topology), &lint.WriteOptions{Topology: topology, Place: check.Place(l)})
	if err != nil {
		panic(err)
	}
	// Output:
	// groups.json:3: warning: shadowed: web (sg-web) ingress[1], tcp 443 from
	//     10.1.0.0/16
	//     ingress[0] admits all of it
	//     groups.json:2: web (sg-web) ingress[0], tcp 0-65535 from 10.0.0.0/8
	//     remove this rule, or narrow the other
}
