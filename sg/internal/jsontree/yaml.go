package jsontree

import (
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxYAML bounds the length of a YAML text: its nodes cost a hundred times what
// those of JSON do.
const maxYAML = 16 << 20

var (
	// ErrScalar is of a text that holds a single word or number, as any text may be taken to
	// do, or that is no YAML from its first line on.
	ErrScalar = errors.New("neither JSON nor YAML")

	errLongYAML = errors.New("more than 16 MB of YAML: print it with --output json")
	errAlias    = errors.New("an alias: the AWS CLI prints none")
	errOpenYAML = errors.New("the last line does not end: the file is cut off, or wants a line break there")
)

// yamlToJSON writes the documents of a YAML text as JSON, every value on the line
// it has there, so that all else is told its place as if it were JSON.
func yamlToJSON(text string) (string, *Error) {
	fail := func(line int, err error) (string, *Error) {
		return "", &Error{Line: line, Err: err}
	}
	switch {
	case len(text) > maxYAML:
		return fail(0, errLongYAML)
	case !strings.HasSuffix(text, "\n"):
		return fail(1+strings.Count(text, "\n"), errOpenYAML)
	}
	d := yaml.NewDecoder(strings.NewReader(text))
	w := yamlWriter{line: 1}
	for {
		var n yaml.Node
		err := d.Decode(&n)
		switch {
		case err == io.EOF:
			return w.b.String(), nil
		case err != nil && !yamlStart.MatchString(text):
			return fail(0, ErrScalar)
		case err != nil:
			return fail(yamlError(err))
		case n.Kind == yaml.DocumentNode && n.Content[0].Kind == yaml.ScalarNode:
			return fail(n.Content[0].Line, ErrScalar)
		}
		if w.value(&n); w.err != nil {
			return fail(w.line, w.err)
		}
		w.b.WriteByte(' ')
	}
}

// yamlStart is how a document begins that holds more than text: with a key, an item or a
// bracket, behind comments.
var yamlStart = regexp.MustCompile(`^(\s*(#|---|%).*\n)*\s*(- |[\[{]|("[^"\n]*"|'[^'\n]*'|[\w./-]+)\s*:(\s|$))`)

var yamlLine = regexp.MustCompile(`^yaml: line (\d+): (.*)`)

func yamlError(err error) (line int, what error) {
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		line, _ = strconv.Atoi(m[1])
		return line, errors.New("YAML: " + m[2])
	}
	return 0, errors.New("YAML: " + strings.TrimPrefix(err.Error(), "yaml: "))
}

type yamlWriter struct {
	b    strings.Builder
	line int
	err  error
}

func (w *yamlWriter) value(n *yaml.Node) {
	for ; w.line < n.Line; w.line++ {
		w.b.WriteByte('\n')
	}
	switch n.Kind {
	case yaml.DocumentNode:
		w.value(n.Content[0])
	case yaml.MappingNode:
		w.all(n.Content, '{', '}')
	case yaml.SequenceNode:
		w.all(n.Content, '[', ']')
	case yaml.ScalarNode:
		w.scalar(n)
	default:
		w.err = errAlias
	}
}

func (w *yamlWriter) all(content []*yaml.Node, open, end byte) {
	w.b.WriteByte(open)
	for i, item := range content {
		switch {
		case open == '{' && i%2 == 1:
			w.b.WriteByte(':')
		case i > 0:
			w.b.WriteByte(',')
		}
		if open == '{' && i%2 == 0 && item.Kind == yaml.ScalarNode {
			item.Tag = "!!str"
		}
		w.value(item)
	}
	w.b.WriteByte(end)
}

// scalar writes what JSON has a type for, and all else as a string.
func (w *yamlWriter) scalar(n *yaml.Node) {
	switch tag, text := n.ShortTag(), strings.ToLower(n.Value); {
	case tag == "!!null":
		w.b.WriteString("null")
	case tag == "!!bool" && (text == "true" || text == "false"),
		(tag == "!!int" || tag == "!!float") && json.Valid([]byte(text)):
		w.b.WriteString(text)
	default:
		b, _ := json.Marshal(n.Value) // a string cannot fail
		w.b.Write(b)
	}
}
