module github.com/sgsim/sgsim

go 1.26

require (
	github.com/go-json-experiment/json v1.27.2
	github.com/google/gopacket v1.1.19
	github.com/stretchr/testify v1.12.1
	go.yaml.in/yaml/v3 v3.0.6
	go4.org/netipx v0.0.0-20260823151212-3075585bcbeb
	golang.org/x/net v0.0.0-20190620200207-3b0461eec859 // nettest and html, in tests alone
)

require golang.org/x/sys v0.8.0 // indirect
