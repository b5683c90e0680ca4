package topotext

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/words"
)

// ParseENI reads an interface from words with blanks or commas between them, as
// package load documents.
func ParseENI(s string) (sg.ENI, error) {
	ws, err := words.SplitList(s)
	if err != nil {
		return sg.ENI{}, err
	}
	var e sg.ENI
	ids := 0
	id := func(s string) error {
		e.ID = sg.ENIID(s)
		ids++
		return nil
	}
	if len(ws) > 0 && ws[0].Key == "" {
		id(ws[0].Value)
		ws = ws[1:]
	}
	group, address, prefix := words.List(&e.Groups), words.Addrs(&e.Addrs), words.CIDRs(&e.Prefixes)
	addr := func(s string) error {
		if strings.Contains(s, "/") {
			return prefix(s)
		}
		return address(s)
	}
	err = words.Fields{
		"": func(s string) error {
			if strings.HasPrefix(s, "sg-") || strings.Contains(s, "security_group.") { // an id of AWS, or of a plan
				return group(s)
			}
			if !strings.ContainsAny(s, ".:/") || strings.Trim(s, "0123456789abcdefABCDEF.:/%") != "" {
				q := words.Quote(s)
				return fmt.Errorf("%q: not an IP address: for a group write group=%s, for a name name=%s", s, q, q)
			}
			return addr(s)
		},
		"id": id, "addr": addr, "group": group, "public": words.Addrs(&e.Public),
		"name": words.Text(&e.Name), "vpc": words.Text(&e.VPC), "subnet": words.Text(&e.Subnet),
		"instance": words.Text(&e.Instance), "account": words.Text(&e.Account), "type": words.Text(&e.Type),
		"tcp-established": words.Duration(&e.Timeouts.TCPEstablished), "udp": words.Duration(&e.Timeouts.UDP),
		"udp-stream": words.Duration(&e.Timeouts.UDPStream), "flag nitro-v6": words.Flag(&e.NitroV6),
		"flag managed": words.Flag(&e.RequesterManaged), "flag no-source-dest-check": words.Flag(&e.NoSourceDestCheck),
	}.Set(ws)
	if err == nil && ids != 1 {
		err = errors.New("an eni has one id")
	}
	return e, err
}
