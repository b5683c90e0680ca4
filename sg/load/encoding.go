package load

import (
	"bytes"
	"encoding/binary"
	"errors"
	"unicode/utf16"
)

var errUTF16 = errors.New("UTF-16 with an odd number of bytes: the file is cut off")

// decodeText returns the text of a file as UTF-8 without byte order mark.
// Windows PowerShell redirects a program's output as UTF-16.
func decodeText(data []byte) (string, error) {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return string(data[3:]), nil
	case bytes.HasPrefix(data, []byte("\xff\xfe")):
		order = binary.LittleEndian
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		order = binary.BigEndian
	default:
		return string(data), nil
	}
	data = data[2:]
	if len(data)%2 != 0 {
		return "", errUTF16
	}
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = order.Uint16(data[2*i:])
	}
	return string(utf16.Decode(units)), nil
}
