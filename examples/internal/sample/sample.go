// Package sample reads the output that an example promises at the top of its
// source, so that a test can hold it against what the example prints.
package sample

import (
	"fmt"
	"go/parser"
	"go/token"
	"strings"
)

// Output returns what stands behind the line "Output:" in the package comment of
// a Go file, without the comment's indentation.
func Output(file string) (string, error) {
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments|parser.PackageClauseOnly)
	if err != nil {
		return "", err
	}
	if f.Doc == nil {
		return "", fmt.Errorf("%s: no package comment", file)
	}
	_, out, ok := strings.Cut(f.Doc.Text(), "\nOutput:\n")
	if !ok {
		return "", fmt.Errorf("%s: no sample output in the package comment", file)
	}
	lines := strings.Split(strings.Trim(out, "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimPrefix(lines[i], "\t")
	}
	return strings.Join(lines, "\n") + "\n", nil
}

// Clean takes the blanks from the ends of lines, which gofmt takes from comments.
func Clean(s string) string {
	lines := strings.Split(strings.Trim(s, "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " \t")
	}
	return strings.Join(lines, "\n") + "\n"
}
