package playground

import (
	"bytes"
	"encoding/json"

	"github.com/sgsim/sgsim/sg/check"
	"github.com/sgsim/sgsim/sg/lint"
)

// findings are what sgsim check -format json writes.
func (s *Session) findings() json.RawMessage {
	var doc, compact bytes.Buffer
	o := &lint.WriteOptions{Topology: s.topo, Place: check.Place(s.loader)}
	if err := lint.WriteJSON(&doc, lint.Check(s.topo), o); err != nil {
		return nil
	}
	if err := json.Compact(&compact, doc.Bytes()); err != nil {
		return nil
	}
	return compact.Bytes()
}
