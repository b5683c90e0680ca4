package sgtest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/sgsim/sgsim/sg/internal/errlist"
)

// RunScenario runs a scenario file, each case as a subtest. A mismatch fails the
// test with file and line, the actual and the expected result, and the
// explanation.
func RunScenario(t *testing.T, file string) {
	t.Helper()
	s, err := ReadScenario(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := range s.cases {
		c := &s.cases[i]
		if c.name == "" {
			fail(t, s.runCase(c))
			continue
		}
		t.Run(c.name, func(t *testing.T) { fail(t, s.runCase(c)) })
	}
}

// RunDir runs every .txtar file of a folder, each as a subtest. A folder without
// any fails the test, so that a wrong path is noticed.
func RunDir(t *testing.T, dir string) {
	t.Helper()
	files, err := scenarioFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { RunScenario(t, file) })
	}
}

func fail(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	for _, err := range errlist.Of(err) {
		t.Error(err)
	}
}

// UpdateDir rewrites the expectations of every .txtar file of a folder to match
// what happens now ([Scenario.Update]). Call it from a test, behind a flag of the
// test's own, and review the change as a diff.
func UpdateDir(dir string) error {
	files, err := scenarioFiles(dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, file := range files {
		s, err := ReadScenario(file)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		text, err := s.Update()
		if err != nil {
			errs = append(errs, err)
			continue
		}
		errs = append(errs, os.WriteFile(file, []byte(text), 0o644))
	}
	return errors.Join(errs...)
}

func scenarioFiles(dir string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("no .txtar files in %s", dir)
	}
	return files, err
}
