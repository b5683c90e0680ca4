//go:build js && wasm

// Command wasm is the program of the page's worker: it puts what the page calls into the
// global object sgsim. Arguments and results are JSON; files are objects with name, size
// and read(offset, length), which returns a Uint8Array.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"syscall/js"
	"time"

	"github.com/sgsim/sgsim/examples/playground"
	"github.com/sgsim/sgsim/sg"
)

func main() {
	var s playground.Session
	ctx := context.Background() // who gives up ends the worker
	functions := map[string]func(c call) (any, error){
		"captures": func(c call) (any, error) {
			is := []bool{}
			for _, f := range c.files {
				is = append(is, f.IsCapture())
			}
			return is, nil
		},
		"load": func(c call) (any, error) {
			var in playground.State
			err := c.in(&in)
			return s.Load(in.Settings, in.Topology, c.files), err
		},
		"ask": func(c call) (any, error) {
			var text string
			err := c.in(&text)
			return s.Ask(text), err
		},
		"map": func(c call) (any, error) {
			var of sg.ENIID
			err := c.in(&of)
			return s.Map(of), err
		},
		"text":   func(c call) (any, error) { return s.Text(), nil },
		"replay": func(c call) (any, error) { return s.Replay(ctx, c.files, c.progress), nil },
		"why": func(c call) (any, error) {
			var number uint64
			err := c.in(&number)
			return s.Why(ctx, c.files, number, c.progress), err
		},
		"link": func(c call) (any, error) {
			var in playground.State
			if err := c.in(&in); err != nil {
				return nil, err
			}
			return playground.Link(in)
		},
		"unlink": func(c call) (any, error) {
			var link string
			if err := c.in(&link); err != nil {
				return nil, err
			}
			return playground.Unlink(link)
		},
	}
	table := js.Global().Get("Object").New()
	for name, f := range functions {
		table.Set(name, js.FuncOf(func(_ js.Value, args []js.Value) any { return result(f(newCall(args))) }))
	}
	js.Global().Set("sgsim", table)
	select {}
}

// result is JSON with a value, or with an error.
func result(v any, err error) string {
	out := struct {
		Value any    `json:"value,omitempty"`
		Error string `json:"error,omitempty"`
	}{Value: v}
	if err != nil {
		out.Value, out.Error = nil, err.Error()
	}
	doc, err := json.Marshal(out)
	if err != nil {
		return `{"error":"no result"}`
	}
	return string(doc)
}

// A call is one of the page: an argument as JSON, files, and a function that is told how
// far it is.
type call struct {
	json     string
	files    []playground.File
	progress playground.Progress
}

func newCall(args []js.Value) call {
	c := call{json: args[0].String()}
	for i := range args[1].Length() {
		f := args[1].Index(i)
		size := int64(f.Get("size").Float())
		c.files = append(c.files, playground.File{
			Name: f.Get("name").String(), Size: size,
			Open: func() io.Reader { return &slices{file: f, size: size} },
		})
	}
	var told time.Time
	c.progress = func(read, total int64, packets uint64) {
		if now := time.Now(); now.Sub(told) > 100*time.Millisecond {
			told = now
			args[2].Invoke(float64(read), float64(total), float64(packets))
		}
	}
	return c
}

func (c call) in(v any) error { return json.Unmarshal([]byte(c.json), v) }

// slices reads a file of the page slice by slice, so that no more of it is in memory.
type slices struct {
	file     js.Value
	at, size int64
}

var errRead = errors.New("the browser cannot read the file: it was changed or removed since it was opened")

// mostSlice is how much is asked for at a time.
const mostSlice = 1 << 20

func (s *slices) Read(b []byte) (n int, err error) {
	if s.at >= s.size {
		return 0, io.EOF
	}
	piece := s.file.Call("read", float64(s.at), min(len(b), mostSlice))
	if piece.IsNull() {
		return 0, errRead
	}
	n = js.CopyBytesToGo(b, piece)
	if n == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	s.at += int64(n)
	return n, nil
}
