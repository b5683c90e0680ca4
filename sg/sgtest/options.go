package sgtest

import (
	"fmt"
	"sort"
	"strconv"
	"strings"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/words"
)

// FormatOptions writes what differs from the zero options as the words of an
// "option" statement:
//
//	profile=linux midstream=pass related-icmp filter-exempt
//	max-connections=4 instance-max=i-1:2 acl-fragments=first on-change=flush
//
// An Observer has no text and is left out.
func FormatOptions(o *sg.Options) string {
	var w words.Writer
	if o.Profile != conntrack.AWS {
		w.Field("profile", o.Profile.String())
	}
	if o.Midstream != sg.MidstreamDrop {
		w.Field("midstream", o.Midstream.String())
	}
	w.Flag("related-icmp", o.RelatedICMP)
	w.Flag("filter-exempt", o.FilterExempt)
	if o.MaxConnections != 0 {
		w.Field("max-connections", strconv.Itoa(o.MaxConnections))
	}
	var ids []string
	for id := range o.InstanceMax {
		ids = append(ids, string(id))
	}
	sort.Strings(ids)
	for _, id := range ids {
		w.Field("instance-max", id+":"+strconv.Itoa(o.InstanceMax[sg.InstanceID(id)]))
	}
	if o.ACLFragments != sg.ACLFragmentsL3 {
		w.Field("acl-fragments", o.ACLFragments.String())
	}
	if o.OnChange != sg.ChangeAWS {
		w.Field("on-change", o.OnChange.String())
	}
	return w.Words()
}

// ParseOptions reads what [FormatOptions] writes.
func ParseOptions(s string) (sg.Options, error) {
	o := sg.Options{}
	ws, err := words.Split(s)
	if err == nil {
		err = optionFields(&o).Set(ws)
	}
	return o, err
}

func optionFields(o *sg.Options) words.Fields {
	return words.Fields{
		"profile":            func(s string) error { return o.Profile.UnmarshalText([]byte(s)) },
		"midstream":          func(s string) error { return o.Midstream.UnmarshalText([]byte(s)) },
		"acl-fragments":      func(s string) error { return o.ACLFragments.UnmarshalText([]byte(s)) },
		"on-change":          func(s string) error { return o.OnChange.UnmarshalText([]byte(s)) },
		"flag related-icmp":  words.Flag(&o.RelatedICMP),
		"flag filter-exempt": words.Flag(&o.FilterExempt),
		"max-connections":    words.Number(&o.MaxConnections),
		"instance-max": func(s string) error {
			i := strings.LastIndexByte(s, ':')
			n, err := strconv.Atoi(s[i+1:])
			if i < 0 || err != nil {
				return fmt.Errorf("%q: not an instance and a number such as i-1:1000", s)
			}
			if o.InstanceMax == nil {
				o.InstanceMax = map[sg.InstanceID]int{}
			}
			o.InstanceMax[sg.InstanceID(s[:i])] = n
			return nil
		},
	}
}

// formatVia returns "via appliance ", or nothing for the plain path.
func formatVia(via sg.Via) string {
	if via == (sg.Via{}) {
		return ""
	}
	return "via " + via.String() + " "
}
