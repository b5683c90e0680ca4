package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"

	"github.com/sgsim/sgsim/sg/flowlog"
)

// A converter writes the rows of Parquet files as lines. A format without fields
// means the columns of each file.
type converter struct {
	w      io.Writer
	format flowlog.Format

	header string // that stands above what comes next
	line   []byte
	record flowlog.Record

	left    int   // rows of the file that could not be read
	leftFor error // the first of them
}

// batch is how many rows are read at once.
const batch = 256

// file converts one file. Memory depends on the size of its pages, not of the file.
func (c *converter) file(name string) (err error) {
	defer func() {
		if fault := recover(); fault != nil { // parquet-go checks little of what it is given
			err = fmt.Errorf("damaged: %v", fault)
		}
	}()
	f, err := os.Open(name)
	if err != nil {
		return errors.Unwrap(err) // the name is told by who calls
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	p, err := parquet.OpenFile(f, info.Size())
	if err != nil {
		return err
	}
	columns, err := columnsOf(p.Schema())
	if err != nil {
		return err
	}
	if err := c.writeHeader(columns); err != nil {
		return err
	}
	c.left, c.leftFor = 0, nil
	for _, group := range p.RowGroups() {
		if err := c.rows(group, columns); err != nil {
			return err
		}
	}
	if c.left > 0 {
		return fmt.Errorf("%d rows left out, the first for %w", c.left, c.leftFor)
	}
	return nil
}

// writeHeader names the fields of the lines that come, unless those before had the
// same.
func (c *converter) writeHeader(columns flowlog.Format) error {
	if c.format.Len() > 0 {
		columns = c.format
	}
	h := columns.Header()
	if h == c.header {
		return nil
	}
	c.header = h
	_, err := fmt.Fprintln(c.w, h)
	return err
}

// columnsOf returns the fields of the columns. Assumption: their names are those of
// the fields with _ for -, as the table definitions for Athena have them that AWS
// publishes; no file that AWS wrote was at hand.
func columnsOf(s *parquet.Schema) (flowlog.Format, error) {
	var names []string
	for _, path := range s.Columns() {
		if len(path) != 1 {
			return flowlog.Format{}, fmt.Errorf("column %s is nested: not a flow log", strings.Join(path, "."))
		}
		names = append(names, strings.ReplaceAll(path[0], "_", "-"))
	}
	f, err := flowlog.ParseFormat(strings.Join(names, " "))
	if err != nil {
		return flowlog.Format{}, err
	}
	if f.Fields() == 0 {
		return flowlog.Format{}, fmt.Errorf("none of the columns %q is a field of flow logs", names)
	}
	return f, nil
}

func (c *converter) rows(group parquet.RowGroup, columns flowlog.Format) (err error) {
	rows := group.Rows()
	defer func() {
		if e := rows.Close(); err == nil {
			err = e
		}
	}()
	buf := make([]parquet.Row, batch)
	for {
		n, err := rows.ReadRows(buf)
		for _, row := range buf[:n] {
			if err := c.row(row, columns); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (c *converter) row(row parquet.Row, columns flowlog.Format) error {
	line := c.line[:0]
	for i, v := range row {
		if i > 0 {
			line = append(line, ' ')
		}
		var err error
		if line, err = appendValue(line, v); err != nil {
			return fmt.Errorf("column %d: %w", i+1, err)
		}
	}
	c.line = line
	if c.format.Len() > 0 {
		if err := columns.Parse(string(line), &c.record); err != nil {
			if c.left++; c.left == 1 {
				c.leftFor = err
			}
			return nil
		}
		line = c.format.AppendRecord(line[:0], &c.record)
	}
	_, err := c.w.Write(append(line, '\n'))
	return err
}

// appendValue appends a value as text has it: "-" for none, and blanks
// percent-encoded as in tags.
func appendValue(b []byte, v parquet.Value) ([]byte, error) {
	switch {
	case v.IsNull():
		return append(b, '-'), nil
	case v.Kind() == parquet.Int32:
		return strconv.AppendInt(b, int64(v.Int32()), 10), nil
	case v.Kind() == parquet.Int64:
		return strconv.AppendInt(b, v.Int64(), 10), nil
	case v.Kind() != parquet.ByteArray && v.Kind() != parquet.FixedLenByteArray:
		return nil, fmt.Errorf("type %v is in no flow log", v.Kind())
	}
	text := v.ByteArray()
	if len(text) == 0 {
		return append(b, '-'), nil
	}
	for _, c := range text {
		if c <= ' ' {
			b = fmt.Appendf(b, "%%%02X", c)
		} else {
			b = append(b, c)
		}
	}
	return b, nil
}
