module github.com/sgsim/sgsim/examples/gvisor

go 1.26.3

replace github.com/sgsim/sgsim => ../..

require gvisor.dev/gvisor v0.0.0-20260905035102-160fafc42237

require go4.org/netipx v0.0.0-20260823151212-3075585bcbeb // indirect

require (
	github.com/google/btree v1.1.2 // indirect
	github.com/sgsim/sgsim v0.0.0
	golang.org/x/exp v0.0.0-20250711185948-6ae5c78190dc // indirect
	golang.org/x/sys v0.43.0 // indirect
	golang.org/x/time v0.15.0 // indirect
)
