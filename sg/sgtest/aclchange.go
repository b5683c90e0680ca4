package sgtest

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/topotext"
	"github.com/sgsim/sgsim/sg/internal/words"
)

// parseEntryChange reads "add acl-1 ingress 100 allow tcp 443 0.0.0.0/0", "replace" with
// the same, or "remove acl-1 ingress 100".
func parseEntryChange(line string, args []words.Word) (change, error) {
	id := sg.NetworkACLID(args[1].Value)
	if args[0].Value != "remove" {
		dir, e, err := topotext.ParseDirEntry(line, args[2:])
		return putEntry(args[0].Value == "replace", id, dir, e), err
	}
	dir, err := topotext.ParseDirection(args[2])
	if err != nil {
		return nil, err
	}
	number, err := strconv.Atoi(args[3].Value)
	if err != nil || len(args) > 4 {
		return nil, fmt.Errorf("%q: not the number of an entry", args[3].Value)
	}
	return removeEntry(id, dir, number), nil
}

func putEntry(replace bool, id sg.NetworkACLID, dir sg.Direction, e sg.ACLEntry) change {
	return func(r *runner, _ time.Time) error {
		put := r.fw.AddACLEntry
		if replace {
			put = r.fw.ReplaceACLEntry
		}
		if err := put(id, dir, e); err != nil {
			return err
		}
		list := r.entries(id, dir)
		*list = append(slices.DeleteFunc(*list, func(o sg.ACLEntry) bool { return o.Number == e.Number }), e)
		return nil
	}
}

func removeEntry(id sg.NetworkACLID, dir sg.Direction, number int) change {
	return func(r *runner, _ time.Time) error {
		if err := r.fw.RemoveACLEntry(id, dir, number); err != nil {
			return err
		}
		list := r.entries(id, dir)
		*list = slices.DeleteFunc(*list, func(o sg.ACLEntry) bool { return o.Number == number })
		return nil
	}
}

func (r *runner) entries(id sg.NetworkACLID, dir sg.Direction) *[]sg.ACLEntry {
	acls := r.build.Topo.NetworkACLs
	return topotext.EntriesOf(&acls[slices.IndexFunc(acls, func(a sg.NetworkACL) bool { return a.ID == id })], dir)
}

func associate(subnet sg.SubnetID, id sg.NetworkACLID) change {
	return func(r *runner, _ time.Time) error {
		if err := r.fw.AssociateACL(subnet, id); err != nil {
			return err
		}
		for i := range r.build.Topo.NetworkACLs {
			a := &r.build.Topo.NetworkACLs[i]
			a.Subnets = slices.DeleteFunc(slices.Clone(a.Subnets), func(s sg.SubnetID) bool { return s == subnet })
			if a.ID == id {
				a.Subnets = append(a.Subnets, subnet)
			}
		}
		return nil
	}
}
