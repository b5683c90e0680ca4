package main

import (
	"bytes"
	"embed"
	"path"

	"github.com/sgsim/sgsim/packet/capture"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/load"
)

// The demonstration: a web server and its database, as the AWS CLI describes
// them, and a capture of a few seconds, made by TestDemo.
//
//go:embed demo
var demo embed.FS

const demoText = `A web server and its database (the files are in sg/cmd/sgsim/demo):

  web  10.0.1.10   in: tcp 443, 80 from anywhere   out: tcp 5432 to the database
  db   10.0.2.20   in: tcp 5432 from web           out: nothing

`

func demoFiles() (*sg.Topology, *load.Loader, *capture.File, error) {
	l := load.New()
	entries, err := demo.ReadDir("demo")
	if err != nil {
		return nil, nil, nil, err
	}
	var pcap []byte
	for _, e := range entries {
		data, err := demo.ReadFile(path.Join("demo", e.Name()))
		if err != nil {
			return nil, nil, nil, err
		}
		if path.Ext(e.Name()) == ".pcap" {
			pcap = data
			continue
		}
		l.Add(e.Name(), bytes.NewReader(data))
	}
	topo, _, err := l.Topology()
	if err != nil {
		return nil, nil, nil, err
	}
	f, err := capture.NewReader(bytes.NewReader(pcap), "demo.pcap")
	return topo, l, f, err
}
