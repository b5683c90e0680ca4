package load_test

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

// A tfText makes outputs of `terraform show -json` from lines:
//
//	module.app["x"].aws_security_group.web[0] {"name": "web"}
//
// and, for the configuration of a plan,
//
//	module.app.aws_security_group.web  vpc_id=aws_vpc.main.id,each.key for_each=var.x
//	module.app                         callers=aws_security_group.web.id
//	module.app output                  id=aws_security_group.web.id
//
// where references get their own beginnings behind them, as Terraform prints them.
// Lines that start with "data." are data sources.
type tfText struct {
	values, config []string
	prior          []string         // values of data sources in a plan
	changes        []map[string]any // of resource_changes
	vars           map[string]any
	more           map[string]any // other top-level keys
}

type obj = map[string]any

var (
	moduleAt  = regexp.MustCompile(`^module\.([^.\[]+)(\[[^\]]*\])?\.?`)
	addressAt = regexp.MustCompile(`^(data\.)?([^.]+)\.([^.\[]+)(\[[^\]]*\])?$`)
)

func (d tfText) state() string {
	return encode(obj{"format_version": "1.0", "values": obj{"root_module": modules(d.values)}}, d.more)
}

func (d tfText) plan() string {
	out := obj{
		"format_version":   "1.2",
		"planned_values":   obj{"root_module": modules(d.values)},
		"prior_state":      obj{"format_version": "1.0", "values": obj{"root_module": modules(d.prior)}},
		"configuration":    obj{"root_module": configuration(d.config)},
		"resource_changes": d.changes,
		"variables":        d.vars,
	}
	return encode(out, d.more)
}

func encode(out, more obj) string {
	for k, v := range more {
		out[k] = v
	}
	b, err := json.Marshal(out)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func key(brackets string) any {
	if brackets == "" {
		return nil
	}
	var v any
	if err := json.Unmarshal([]byte(brackets[1:len(brackets)-1]), &v); err != nil {
		panic(err)
	}
	return v
}

// modules makes a tree of resources.
func modules(lines []string) obj {
	root := obj{}
	byAddress := map[string]obj{"": root}
	for _, line := range lines {
		i := strings.Index(line, "{")
		address, values := strings.TrimSpace(line[:i]), line[i:]
		m, rest, path := root, address, ""
		for {
			match := moduleAt.FindStringSubmatch(rest)
			if match == nil {
				break
			}
			path = strings.TrimSuffix(path+match[0], ".")
			child := byAddress[path]
			if child == nil {
				child = obj{"address": path}
				byAddress[path] = child
				list, _ := m["child_modules"].([]obj)
				m["child_modules"] = append(list, child)
			}
			m, rest, path = child, strings.TrimPrefix(rest, match[0]), path+"."
		}
		match := addressAt.FindStringSubmatch(rest)
		r := obj{"address": address, "mode": "managed", "type": match[2], "name": match[3], "schema_version": 1}
		if match[1] != "" {
			r["mode"] = "data"
		}
		if k := key(match[4]); k != nil {
			r["index"] = k
		}
		if values != "{}" {
			r["values"] = json.RawMessage(values)
		}
		list, _ := m["resources"].([]obj)
		m["resources"] = append(list, r)
	}
	return root
}

func configuration(lines []string) obj {
	root := obj{}
	for _, line := range lines {
		fields := strings.Fields(line)
		m, rest := root, fields[0]
		var call obj
		for {
			match := moduleAt.FindStringSubmatch(rest)
			if match == nil {
				break
			}
			calls := sub(m, "module_calls")
			call = sub(calls, match[1])
			m, rest = sub(call, "module"), strings.TrimPrefix(rest, match[0])
		}
		target := call
		if rest != "" {
			match := addressAt.FindStringSubmatch(rest)
			target = obj{"address": rest, "mode": "managed", "type": match[2], "name": match[3]}
			if match[1] != "" {
				target["mode"] = "data"
			}
			list, _ := m["resources"].([]obj)
			m["resources"] = append(list, target)
		}
		expressions := sub(target, "expressions")
		for _, f := range fields[1:] {
			name, refs, _ := strings.Cut(f, "=")
			switch {
			case name == "output":
				expressions = sub(m, "outputs")
				continue
			case name == "for_each" || name == "count":
				target[name+"_expression"] = expression(refs)
				continue
			}
			block := expressions
			if i := strings.Index(name, "."); i > 0 { // an attribute of a block
				block, name = obj{}, name[i+1:]
				list, _ := expressions[f[:i]].([]obj)
				expressions[f[:i]] = append(list, block)
			}
			if _, ok := m["outputs"].(obj); ok && fields[1] == "output" {
				block[name] = obj{"expression": expression(refs)}
				continue
			}
			block[name] = expression(refs)
		}
	}
	return root
}

func sub(m obj, key string) obj {
	if m[key] == nil {
		m[key] = obj{}
	}
	return m[key].(obj)
}

// expression is a constant in quotes or references with commas between.
func expression(refs string) obj {
	if s, err := strconv.Unquote(refs); err == nil {
		return obj{"constant_value": s}
	}
	var all []string
	for ref := range strings.SplitSeq(refs, ",") {
		all = append(all, ref)
		for least := 2; ; {
			if strings.HasPrefix(ref, "data.") {
				least = 3
			}
			i := strings.LastIndexAny(ref, ".[")
			if i < 0 || strings.Count(ref[:i], ".")+1 < least || strings.HasPrefix(ref, "each.key") {
				break
			}
			ref = ref[:i]
			all = append(all, ref)
		}
	}
	return obj{"references": all}
}
