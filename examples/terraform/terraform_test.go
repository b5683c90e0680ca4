// Terraform tests a plan before it is applied: the application has to reach its
// database, and nobody else may. The plan is what terraform show -json prints.
//
//	terraform plan -out plan.out && terraform show -json plan.out > testdata/plan.json
//	go test ./examples/terraform
//
// Somebody once tidied up the database's rule, so that it named the wrong group.
// That plan is testdata/cutoff.json, and the test fails with it:
//
//	go test ./examples/terraform -plan testdata/cutoff.json
//
// Output:
//
//	aws_network_interface.app does not reach aws_network_interface.db with PostgreSQL
//	    tcp 10.0.1.10:32768 > 10.0.2.20:5432 S: drop, no_rule
//	    aws_network_interface.app egress: accept, rule
//	      connection  none
//	      rule        aws_security_group.app egress[0]: all 0.0.0.0/0
//	      matched     10.0.2.20 in 0.0.0.0/0
//	    aws_network_interface.db ingress: drop, no_rule
//	      connection  none
//	      groups      aws_security_group.db
//	      nearest     aws_security_group.db ingress[0]: source group=aws_security_group.bastion, packet had 10.0.1.10: it is aws_network_interface.app, which does not carry aws_security_group.bastion
//	As a scenario:
//	    group aws_security_group.app name=app desc="the app" vpc=vpc-0a1b2c3d4e5f60718
//	    rule aws_security_group.app egress all 0.0.0.0/0
//	    group aws_security_group.bastion name=bastion desc="the bastion" vpc=vpc-0a1b2c3d4e5f60718
//	    group aws_security_group.db name=db desc="the db" vpc=vpc-0a1b2c3d4e5f60718
//	    rule aws_security_group.db ingress tcp 5432 group=aws_security_group.bastion
//	    eni aws_network_interface.app 10.0.1.10 group=aws_security_group.app vpc=vpc-0a1b2c3d4e5f60718 subnet=subnet-0a1b2c3d4e5f60718
//	    eni aws_network_interface.db 10.0.2.20 group=aws_security_group.db vpc=vpc-0a1b2c3d4e5f60718 subnet=subnet-0a1b2c3d4e5f60718
//
//	    @0s forward tcp 10.0.1.10:32768 > 10.0.2.20:5432 S  drop    no_rule
//	        aws_network_interface.app egress   accept  rule aws_security_group.app egress[0]
//	        aws_network_interface.db  ingress  drop    no_rule
package terraform

import (
	"flag"
	"testing"

	"github.com/sgsim/sgsim/examples/internal/sample"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/load"
	"github.com/sgsim/sgsim/sg/sgtest"
)

const (
	app     = "aws_network_interface.app"
	bastion = "aws_network_interface.bastion"
	db      = "aws_network_interface.db"
)

var plan = flag.String("plan", "testdata/plan.json", "what terraform show -json says of the plan")

// network is what the plan makes, in so far as security groups care.
func network(t *testing.T, plan string) *sgtest.Network {
	topo, warnings, err := load.Files(plan)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range warnings {
		t.Log(w)
	}
	return sgtest.NewNetwork(t, topo, nil)
}

func TestPlan(t *testing.T) {
	net := network(t, *plan)
	net.Allows(t, app, db, sg.PostgreSQL)
	net.Denies(t, bastion, db, sg.AllTraffic)
	net.Denies(t, "198.51.100.7", db, sg.AllTraffic)
}

func TestPlanThatCutsOff(t *testing.T) {
	net := network(t, "testdata/cutoff.json")
	said := &failure{}
	if net.Allows(said, app, db, sg.PostgreSQL) {
		t.Error("the application still reaches its database")
	}
	want, err := sample.Output("terraform_test.go")
	if err != nil {
		t.Fatal(err)
	}
	if got := sample.Clean(said.text); got != want {
		t.Errorf("it said:\n%swant:\n%s", got, want)
	}
}
