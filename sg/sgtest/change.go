package sgtest

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/topotext"
	"github.com/sgsim/sgsim/sg/internal/words"
	"github.com/sgsim/sgsim/sg/load"
)

// swap compiles what was built and gives it to the firewall.
func (r *runner) swap(b *topotext.Builder, now time.Time) error {
	policy, err := sg.Compile(b.Topo)
	if err != nil {
		return err
	}
	b.Settle()
	r.build = b
	r.fw.Swap(policy, now)
	return nil
}

// fileNames returns the words of a list of files, "pl-1=entries.json" included.
func fileNames(ws []words.Word) []string {
	var names []string
	for _, w := range ws {
		if w.Key != "" {
			w.Value = w.Key + "=" + w.Value
		}
		names = append(names, w.Value)
	}
	return names
}

// load adds files to what b has built. JSON files are read together, since one
// may hold groups and another their rules.
func (r *runner) load(names []string, b *topotext.Builder) error {
	docs := load.New()
	for _, name := range names {
		file := name[strings.LastIndexByte(name, '=')+1:]
		text, err := r.file(file)
		if err != nil {
			return err
		}
		if strings.HasSuffix(file, ".json") {
			docs.Add(name, strings.NewReader(text))
			continue
		}
		t, err := ParseTopology(file, text)
		if err != nil {
			return err
		}
		b.Append(t)
	}
	t, _, err := docs.Topology()
	if err == nil {
		b.Append(t)
	}
	return err
}

// file returns a section of the scenario, or a file next to it.
func (r *runner) file(name string) (string, error) {
	if text, ok := r.scenario.files[name]; ok {
		return text, nil
	}
	b, err := os.ReadFile(filepath.Join(filepath.Dir(r.scenario.name), name))
	if err != nil {
		return "", fmt.Errorf("no section -- %s -- in this file, and %w", name, err)
	}
	return string(b), nil
}

func ruleChange(add bool, id sg.GroupID, dir sg.Direction, rule sg.Rule) change {
	return func(r *runner, now time.Time) error {
		do := r.fw.Revoke
		if add {
			do = r.fw.Authorize
		}
		if err := do(id, dir, rule, now); err != nil {
			return err
		}
		i := slices.IndexFunc(r.build.Topo.Groups, func(g sg.Group) bool { return g.ID == id })
		rules := topotext.RulesOf(&r.build.Topo.Groups[i], dir)
		if add {
			*rules = append(*rules, rule)
		} else {
			*rules = slices.DeleteFunc(*rules, func(o sg.Rule) bool {
				return o.Same(rule, id) || rule.Protocol == 0 && rule.ID == o.ID
			})
		}
		return nil
	}
}

func groupChange(add bool, id sg.ENIID, g sg.GroupID) change {
	return func(r *runner, now time.Time) error {
		do := r.fw.Detach
		if add {
			do = r.fw.Attach
		}
		if err := do(id, g, now); err != nil {
			return err
		}
		groups := &r.eni(id).Groups
		if !add {
			*groups = slices.DeleteFunc(*groups, func(o sg.GroupID) bool { return o == g })
		} else if !slices.Contains(*groups, g) {
			*groups = append(*groups, g)
		}
		return nil
	}
}

func setGroups(id sg.ENIID, groups []sg.GroupID) change {
	return func(r *runner, now time.Time) error {
		if err := r.fw.SetGroups(id, groups, now); err != nil {
			return err
		}
		r.eni(id).Groups = slices.Clone(groups)
		return nil
	}
}

func (r *runner) eni(id sg.ENIID) *sg.ENI {
	return &r.build.Topo.ENIs[slices.IndexFunc(r.build.Topo.ENIs, func(e sg.ENI) bool { return e.ID == id })]
}

func entryChange(add bool, id sg.PrefixListID, cidr netip.Prefix) change {
	return func(r *runner, now time.Time) error {
		do := r.fw.RemoveEntry
		if add {
			do = r.fw.AddEntry
		}
		if err := do(id, cidr, now); err != nil {
			return err
		}
		i := slices.IndexFunc(r.build.Topo.PrefixLists, func(p sg.PrefixList) bool { return p.ID == id })
		entries := &r.build.Topo.PrefixLists[i].Entries
		if add {
			*entries = append(*entries, sg.PrefixListEntry{CIDR: cidr})
		} else {
			*entries = slices.DeleteFunc(*entries, func(e sg.PrefixListEntry) bool { return e.CIDR.Masked() == cidr.Masked() })
		}
		return nil
	}
}
