package sg_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// numbers are those of all statements: prefix, then ranges and single ones.
var numbers = []string{
	"SG 1-12 20-31 40-45 50-61 70-85", "REF 1-20", "PL 1-12", "DEF 1-7", "QUO 1-9",
	"CT 1-5 10-28 30-39 3A 40-45 50-53 60-64", "NACL 1-7 10-14 20-23 30-68 70-79", "EX 1-10", "FL 1-9",
	"IN 1-16 20-29 40-41", "CTS 1-7 10-23 25-28 30-38 40-45 50-53 55-65",
}

func allNumbers(t *testing.T) []string {
	var all []string
	for _, line := range numbers {
		fields := strings.Fields(line)
		for _, r := range fields[1:] {
			first, last, _ := strings.Cut(r, "-")
			if last == "" {
				last = first
			}
			a, err := strconv.Atoi(first)
			if err != nil {
				all = append(all, fields[0]+"-"+first)
				continue
			}
			b, err := strconv.Atoi(last)
			require.NoError(t, err)
			for ; a <= b; a++ {
				all = append(all, fmt.Sprintf("%s-%02d", fields[0], a))
			}
		}
	}
	return all
}

var (
	statementRow = regexp.MustCompile(`^\| ([A-Z]+-[0-9][0-9A-Z]) \| (.+) \| (.+) \|$`)
	quotedFile   = regexp.MustCompile("`([^`]+)`")
)

// TestStatements reads the table: each number once, with a scenario that holds it,
// a test, or the reason why there is none.
func TestStatements(t *testing.T) {
	b, err := os.ReadFile("STATEMENTS.md")
	require.NoError(t, err)
	where := map[string]string{}
	for _, line := range strings.Split(string(b), "\n") {
		if m := statementRow.FindStringSubmatch(line); m != nil {
			assert.NotContains(t, where, m[1], "two rows")
			where[m[1]] = m[3]
		}
	}
	all := allNumbers(t)
	for _, n := range all {
		text, ok := where[n]
		if !assert.True(t, ok, "%s is not in the table", n) {
			continue
		}
		delete(where, n)
		files := quotedFile.FindAllStringSubmatch(text, -1)
		if len(files) == 0 {
			assert.Regexp(t, "^Not modelled: .", text, n)
			continue
		}
		for _, f := range files {
			content, err := os.ReadFile(filepath.FromSlash(f[1]))
			if assert.NoError(t, err, n) && strings.HasSuffix(f[1], ".txtar") && !strings.HasPrefix(text, "Not modelled") {
				assert.True(t, regexp.MustCompile(`\b`+n+`\b`).Match(content), "%s does not hold %s", f[1], n)
			}
		}
	}
	assert.Empty(t, where, "numbers that no statement has")
}

// TestStatementsKeepUp compares the list of numbers with the pages that they are
// from, where those are at hand.
func TestStatementsKeepUp(t *testing.T) {
	const dir = "../../shared/spec"
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the pages that number the statements are not here: ", err)
	}
	want := map[string]bool{}
	for file, pattern := range map[string]string{
		"aws-semantics.md": `\*\*((?:SG|REF|PL|DEF|QUO|CT|NACL|EX|FL|IN)-[0-9][0-9A-Z])\*\*`,
		"nacl.md":          `\*\*(NACL-[0-9][0-9])\*\*`,
		"conntrack.md":     `\*\*(CTS-[0-9][0-9])`,
	} {
		b, err := os.ReadFile(filepath.Join(dir, file))
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(b), -1) {
			want[m[1]] = true
		}
	}
	all := allNumbers(t)
	for n := range want {
		assert.Contains(t, all, n)
	}
	for _, n := range all {
		assert.True(t, want[n], "%s is on no page", n)
	}
	assert.Len(t, slices.Compact(slices.Sorted(slices.Values(all))), len(all), "twice in the list")
}
