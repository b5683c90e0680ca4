module github.com/sgsim/sgsim/examples/netns

go 1.26

replace github.com/sgsim/sgsim => ../..

require (
	github.com/sgsim/sgsim v0.0.0
	golang.org/x/sys v0.47.0
)

require go4.org/netipx v0.0.0-20260823151212-3075585bcbeb // indirect
