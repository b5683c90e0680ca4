package load

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/sgsim/sgsim/sg"
)

// ParseENI reads an interface from words with commas between them:
//
//	id=web,addr=10.0.1.10,addr=2001:db8::10,group=sg-web
//
// id is required, addr and group may come any number of times. An addr with a
// prefix length is a delegated prefix. Further keys: public (an address outside
// the VPC), name, vpc, subnet, instance, account, type, and nitro=v6. The error
// joins all that is wrong, each with the word it is about. Whether the interface
// has a group is for [Loader.AddENI], which may know of one.
func ParseENI(s string) (sg.ENI, error) {
	var e sg.ENI
	var errs []error
	fail := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("interface %q: "+format, append([]any{clip(s)}, args...)...))
	}
	for word := range strings.SplitSeq(s, ",") {
		key, val, ok := strings.Cut(word, "=")
		if key, val = strings.TrimSpace(key), strings.TrimSpace(val); !ok || val == "" {
			fail("%q: want key=value", word)
			continue
		}
		if err := setENI(&e, key, val); err != nil {
			fail("%s=%s: %w", key, val, err)
		}
	}
	if e.ID == "" {
		fail("has no id")
	}
	if len(errs) > 0 {
		return sg.ENI{}, errors.Join(errs...)
	}
	return e, nil
}

func setENI(e *sg.ENI, key, val string) error {
	switch key {
	case "addr":
		if strings.Contains(val, "/") {
			p, err := parsePrefix(val, anyFamily)
			if err != nil {
				return err
			}
			e.Prefixes = addNew(e.Prefixes, p.Masked())
			return nil
		}
		return addAddr(&e.Addrs, val)
	case "public":
		return addAddr(&e.Public, val)
	case "group":
		e.Groups = addNew(e.Groups, sg.GroupID(val))
		return nil
	case "nitro":
		if val != "v6" {
			return errors.New(`the only generation that makes a difference is "v6"`)
		}
		e.NitroV6 = true
		return nil
	}
	set := func(old bool) error {
		if old {
			return fmt.Errorf("a second %s", key)
		}
		return nil
	}
	var err error
	switch key {
	case "id":
		err, e.ID = set(e.ID != ""), sg.ENIID(val)
	case "name":
		err, e.Name = set(e.Name != ""), val
	case "vpc":
		err, e.VPC = set(e.VPC != ""), sg.VPCID(val)
	case "subnet":
		err, e.Subnet = set(e.Subnet != ""), sg.SubnetID(val)
	case "instance":
		err, e.Instance = set(e.Instance != ""), sg.InstanceID(val)
	case "account":
		err, e.Account = set(e.Account != ""), sg.AccountID(val)
	case "type":
		err, e.Type = set(e.Type != ""), val
	default:
		return errors.New("unknown key: want id, addr, group, public, name, vpc, subnet, instance, account, type or nitro")
	}
	return err
}

func addAddr(addrs *[]netip.Addr, val string) error {
	a, err := parseAddr(val)
	if err == nil {
		*addrs = addNew(*addrs, a)
	}
	return err
}

// handmade adds an interface that the caller gave.
func (b *builder) handmade(e *givenENI) {
	added := e.ENI
	added.Groups = make([]sg.GroupID, len(e.Groups))
	for i, id := range e.Groups {
		added.Groups[i] = b.groupNamed(id)
	}
	at := &cursor{src: &source{name: e.name, p: &b.problems}}
	merged := b.eni(e.ID, at)
	merged.merge(&added)
	if len(merged.Groups) == 0 && !b.unread {
		at.fail(codeMissingParam, "has no group, and no input has an interface of this id that has one") // SG-10, SG-85
	}
}

// groupNamed returns the id of the one group with a name, where no group has it
// as its id.
func (b *builder) groupNamed(id sg.GroupID) sg.GroupID {
	if b.groupOf[id] != nil {
		return id
	}
	if b.groupNames == nil {
		b.groupNames = make(map[string][]sg.GroupID)
		for _, g := range b.groups {
			b.groupNames[g.Name] = append(b.groupNames[g.Name], g.ID)
		}
	}
	if found := b.groupNames[string(id)]; len(found) == 1 {
		return found[0]
	}
	return id
}
