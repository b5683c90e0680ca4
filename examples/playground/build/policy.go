package main

import (
	"bytes"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"regexp"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/lint"
)

// allowReports lets the page's policy allow the script and the style of the reports that
// it shows, by their hashes: a frame without an address has the policy of its page.
func allowReports(dir string) error {
	var report bytes.Buffer
	if err := lint.WriteHTML(&report, nil, &lint.WriteOptions{Topology: &sg.Topology{}}); err != nil {
		return err
	}
	policy := html.UnescapeString(report.String())
	file := filepath.Join(dir, "index.html")
	index, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	for _, kind := range []string{"script-src", "style-src"} {
		hashes := regexp.MustCompile(kind + ` ('sha256-[^';]+'(?: 'sha256-[^';]+')*)`).FindStringSubmatch(policy)
		if hashes == nil {
			return fmt.Errorf("the reports' policy has no hash of %s", kind)
		}
		own := []byte(kind + " 'self'")
		if !bytes.Contains(index, own) {
			return fmt.Errorf("%s has no %s", file, own)
		}
		index = bytes.Replace(index, own, fmt.Appendf(nil, "%s %s", own, hashes[1]), 1)
	}
	return os.WriteFile(file, index, 0o644)
}
