module github.com/sgsim/sgsim

go 1.26

require (
	github.com/google/gopacket v1.1.19 // indirect
	github.com/stretchr/testify v1.12.1 // indirect
	go4.org/netipx v0.0.0-20260823151212-3075585bcbeb // indirect
)
