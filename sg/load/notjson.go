package load

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/sgsim/sgsim/sg/internal/jsontree"
)

// What is neither JSON nor YAML and people have beside it, by how it begins.
var notJSON = []struct {
	start *regexp.Regexp
	what  string
}{
	{regexp.MustCompile(`^PK[\x01-\x08]`), "a saved Terraform plan (zip): give the output of `terraform show -json FILE`"},
	{regexp.MustCompile(`^\s*(#[^\n]*\n\s*|//[^\n]*\n\s*)*(resource|data|module|variable|provider|terraform|locals|output|import|moved|removed|check)\s*("[^"\n]*"\s*)*\{`),
		"Terraform's configuration (HCL): run `terraform plan -out=plan.bin` and give the output of `terraform show -json plan.bin`"},
	{regexp.MustCompile(`^(version |\d+ (\d{12}|unknown|-) eni-)`), "records of a flow log, not a topology: `sgsim replay` reads them as it reads captures; here " + giveListings},
	{regexp.MustCompile(`^\s*An error occurred|^\s*aws: error`), "an error of the AWS CLI, which printed nothing else"},
	{regexp.MustCompile(`(?s)^.{0,400}(Terraform used the selected|Terraform will perform|Refreshing state)`), "what `terraform plan` prints for people: save the plan with -out and " + giveShow + " of it"},
	{regexp.MustCompile(`^\s*-{20}|^[A-Z]+\t`), "a table or text of the AWS CLI: print it with --output json"},
	{regexp.MustCompile(`^\s*<`), "XML: print it with the AWS CLI and --output json"},
}

// captureMagic is how pcap and pcapng files begin.
var captureMagic = []string{"\xd4\xc3\xb2\xa1", "\xa1\xb2\xc3\xd4", "\x4d\x3c\xb2\xa1", "\xa1\xb2\x3c\x4d", "\x0a\x0d\x0d\x0a"}

var (
	errCapture = errors.New("a capture of packets, not a topology: replay takes it as an argument")
	errBinary  = errors.New("not a text")
)

var errNeither = errors.New("neither JSON nor YAML: give what the AWS CLI prints, the output of `terraform show -json`, or a topology's text")

// whatNotJSON returns an error that says what a text is, by how it begins, nil where
// it may be JSON or YAML.
func whatNotJSON(text string) error {
	if jsontree.IsJSON(text) || isStatements(text) {
		return nil
	}
	if slices.ContainsFunc(captureMagic, func(magic string) bool { return strings.HasPrefix(text, magic) }) {
		return errCapture
	}
	for _, k := range notJSON {
		if k.start.MatchString(text) {
			return errors.New(k.what)
		}
	}
	if strings.IndexByte(text, 0) >= 0 {
		return errBinary
	}
	return nil
}
