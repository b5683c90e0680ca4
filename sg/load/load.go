package load

import (
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/errlist"
	"github.com/sgsim/sgsim/sg/internal/jsontree"
)

// Files reads the named files into one topology. A name may be preceded by the id
// of the prefix list whose entries the file holds: pl-0123=entries.json.
//
// The error joins every [*Error] that was found. Without one, the topology is
// complete except for what the warnings say.
func Files(names ...string) (*sg.Topology, []Warning, error) {
	l := New()
	for _, name := range names {
		l.AddFile(name)
	}
	return l.Topology()
}

// A Loader collects inputs and makes a topology from them. Make one with [New].
// It is not safe for concurrent use.
type Loader struct {
	docs []*cursor // in the order given
	enis []givenENI

	stage  stage
	prefer map[string]bool // by name of an input, whether it was added

	errs  []error
	warns []Warning
	built *builder // of the last topology
}

// New returns a Loader without inputs.
func New() *Loader { return &Loader{prefer: make(map[string]bool), built: &builder{}} }

// Prefer lets the input called name decide about the groups and interfaces that it
// has, as a plan does about those that it manages: what contradicts it in other
// inputs is left out with a warning. Add an input of this name afterwards.
func (l *Loader) Prefer(name string) { l.prefer[name] = false }

// A stage says which of a plan's worlds is read.
type stage uint8

const (
	planned stage = iota // as it is once the plan is applied
	before               // as the plan finds it
	after                // planned, but what is replaced keeps its id
)

// Before makes the loader read plans as the state that they start from (prior_state).
// A plan then holds both worlds of a comparison: this one, and that of
// [Loader.After].
func (l *Loader) Before() { l.stage = before }

// After makes resources that a plan replaces keep their ids, although AWS will choose
// new ones, so that references to them mean the same in both worlds. Interfaces that stay
// in their subnet also keep the addresses that AWS will choose anew: see [Loader.Kept].
func (l *Loader) After() { l.stage = after }

// AddFile adds a file, or with "pl-0123=FILE" the entries of a prefix list.
// Errors become part of the error of [Loader.Topology].
//
// From a directory it adds the files whose names end as those of readable files do:
// *.json, *.yaml, *.yml and *.tfstate, each also with .gz. A file named after a
// prefix list, such as pl-0123.json, holds its entries. All others give a warning,
// and so do folders in it.
func (l *Loader) AddFile(name string) {
	_, path := splitName(name)
	f, err := os.Open(path)
	if err != nil {
		l.preferred(path) // it is an input, though none that can be opened
		l.errs = append(l.errs, err)
		return
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		l.addDir(path)
	} else {
		l.Add(name, f)
	}
}

// listID is how AWS writes ids of prefix lists: pl-entries.json is no file named after one.
var listID = regexp.MustCompile(`^pl-[0-9a-f]+$`)

func (l *Loader) addDir(dir string) {
	entries, err := os.ReadDir(dir) // ordered by name
	if err != nil {
		l.errs = append(l.errs, err)
	}
	found := false
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		base := strings.TrimSuffix(e.Name(), ".gz")
		ext := filepath.Ext(base)
		switch {
		case strings.HasPrefix(base, "."):
		case e.IsDir():
			l.warns = append(l.warns, Warning{Place: Place{File: path}, Text: "left out: a folder in a folder has to be named itself"})
		case ext == ".json" || ext == ".yaml" || ext == ".yml" || ext == ".tfstate":
			found = true
			if id := strings.TrimSuffix(base, ext); listID.MatchString(id) {
				path = id + "=" + path
			}
			l.AddFile(path)
		default:
			l.warns = append(l.warns, Warning{Place: Place{File: path}, Text: "left out: not called .json, .yaml or .tfstate"})
		}
	}
	if !found {
		l.errs = append(l.errs, &Error{Place: Place{File: dir}, Err: errEmptyDir})
	}
}

var (
	errNotGiven = errors.New("is preferred, but is not an input")
	errNoPlan   = errors.New("is not a plan: save one with terraform plan -out, and " + giveShow + " of it")
	errEmptyDir = errors.New("no file in it ends in .json, .yaml or .tfstate: name a topology's text file itself")
)

// Add reads r to its end. The name is for messages; "pl-0123=NAME" says that r
// holds the entries of that prefix list. Errors, including those of reading r,
// become part of the error of [Loader.Topology].
func (l *Loader) Add(name string, r io.Reader) {
	list, path := splitName(name)
	preferred := l.preferred(path)
	text, err := jsontree.ReadText(r, whatNotJSON)
	if err != nil {
		l.errs = append(l.errs, &Error{Place: Place{File: path}, Err: err})
		return
	}
	src := &source{name: path, list: list, preferred: preferred, decides: preferred}
	if isStatements(text) {
		src.text = text
		l.docs = append(l.docs, &cursor{src: src})
		return
	}
	docs, bad := src.read(text)
	if bad != nil {
		l.errs = append(l.errs, bad)
	}
	for _, n := range docs {
		l.docs = append(l.docs, documents(src, n)...)
	}
}

// preferred reports whether an input is to be preferred, and notes that there is one of
// this name.
func (l *Loader) preferred(path string) bool {
	_, ok := l.prefer[path]
	if ok {
		l.prefer[path] = true
	}
	return ok
}

// AddPlan is [Loader.Add] for input that has to be a Terraform plan; if r is nil, it
// is [Loader.AddFile] for such a file.
func (l *Loader) AddPlan(name string, r io.Reader) {
	docs, errs := len(l.docs), len(l.errs)
	if r != nil {
		l.Add(name, r)
	} else {
		l.AddFile(name)
	}
	if len(l.errs) == errs && !slices.ContainsFunc(l.docs[docs:], isPlan) {
		l.errs = append(l.errs, &Error{Place: Place{File: name}, Err: errNoPlan})
	}
}

// splitName splits a prefix list's id from the name of the file with its entries.
func splitName(name string) (sg.PrefixListID, string) {
	if id, path, ok := strings.Cut(name, "="); ok && strings.HasPrefix(id, "pl-") && !strings.ContainsAny(id, `/\`) {
		return sg.PrefixListID(id), path
	}
	return "", name
}

// AddENI adds an interface by hand, as [ParseENI] reads it. The name is for messages, in
// place of a file's. If the inputs hold an interface with this id, that one gets the
// addresses and groups in addition. This supplies an interface of a Terraform plan with the
// addresses that AWS has yet to choose. A group may be given by name if no group has that
// name as its id. Errors become part of the error of [Loader.Topology].
func (l *Loader) AddENI(name string, e sg.ENI) { l.enis = append(l.enis, givenENI{e, name}) }

// A givenENI is an interface that the caller gave.
type givenENI struct {
	sg.ENI
	name string
}

// Topology returns what all inputs say together, in their order, and all
// warnings. The error joins everything that was found, each an [*Error] if the
// input is to blame. It includes what [sg.Compile] would refuse in the parts that
// could be read. If an input could not be read at all, undeclared groups are no
// error, since that input may declare them.
func (l *Loader) Topology() (*sg.Topology, []Warning, error) {
	b := newBuilder()
	b.stage = l.stage
	b.add(l.errs...)
	b.warns = append(b.warns, l.warns...)
	b.unread = len(l.errs) > 0
	for _, name := range slices.Sorted(maps.Keys(l.prefer)) {
		if !l.prefer[name] {
			b.add(&Error{Place: Place{File: name}, Err: errNotGiven})
		}
	}
	b.read(l.docs)
	for i := range l.enis {
		b.handmade(&l.enis[i])
	}
	b.placeENIs()
	b.missingGroups(l.enis)
	t := b.topology()
	l.built = b
	if len(b.errs) > 0 {
		_, err := sg.Compile(t)
		for _, err := range errlist.Of(err) {
			b.add(l.Locate(err))
		}
		return nil, b.warnings(), b.err()
	}
	return t, b.warnings(), nil
}

// read reads all inputs, each when the phase of its reader comes.
func (b *builder) read(docs []*cursor) {
	var phases [readNothing + 1][2][]func() // in each, what is preferred comes first
	later := func(p phase, src *source, read func()) {
		then := &phases[p][1]
		if src.preferred {
			then = &phases[p][0]
		}
		*then = append(*then, read)
	}
	var known []*cursor
	for _, doc := range docs {
		doc.src.p = &b.problems
		switch {
		case doc.src.text != "" && doc.src.preferred:
			later(readContradicting, doc.src, func() { b.statements(doc) })
		case doc.src.text != "":
			later(readTexts, doc.src, func() { b.statements(doc) })
		case b.understood(doc):
			known = append(known, doc)
			groups := doc.field("SecurityGroups")
			groups.src = groups.src.quiet() // errors are found when it is read
			for item := range groups.objects() {
				if item.field("GroupName").text() == defaultName {
					b.defaults[item.field("VpcId").text()] = item.field("GroupId").text()
				}
			}
		default:
			b.unread = true
		}
	}
	ends := make(map[string]bool) // kinds (for entries: their list) whose last or only page was read
	for _, r := range readers {
		for _, doc := range known {
			if !doc.has(r.key) {
				continue
			}
			kind, next := r.key+string(doc.src.list), doc.field("NextToken")
			ends[kind] = ends[kind] || next.raw() == ""
			later(r.phase, doc.src, func() {
				if b.cut = !ends[kind]; b.cut {
					next.warn("", "one page of several: more follow it")
				}
				r.read(b, doc.field(r.key))
			})
		}
	}
	for _, p := range phases {
		for _, read := range slices.Concat(p[0], p[1]) {
			read()
		}
	}
}
