module github.com/sgsim/sgsim/examples/netns

go 1.26

replace github.com/sgsim/sgsim => ../..

require (
	github.com/sgsim/sgsim v0.0.0
	golang.org/x/sys v0.47.0
)
