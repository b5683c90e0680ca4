package sgtest

import "strings"

// splitSections cuts a scenario file into its script and the files that follow,
// each after a line "-- name --", as in Go's txtar format.
func splitSections(text string) (script string, files map[string]string, tail string) {
	files = map[string]string{}
	name, start := "", 0
	for pos := 0; pos < len(text); {
		end := len(text)
		if i := strings.IndexByte(text[pos:], '\n'); i >= 0 {
			end = pos + i + 1
		}
		if next, ok := sectionName(text[pos:end]); ok {
			if tail == "" {
				script, tail = text[:pos], text[pos:]
			} else {
				files[name] = text[start:pos]
			}
			name, start = next, end
		}
		pos = end
	}
	if tail == "" {
		return text, files, ""
	}
	files[name] = text[start:]
	return script, files, tail
}

func sectionName(line string) (string, bool) {
	line = strings.TrimRight(line, " \t\r\n")
	if len(line) < 7 || !strings.HasPrefix(line, "-- ") || !strings.HasSuffix(line, " --") {
		return "", false
	}
	name := strings.TrimSpace(line[3 : len(line)-3])
	return name, name != ""
}
