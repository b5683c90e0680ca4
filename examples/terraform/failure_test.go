package terraform

import "fmt"

// A failure is a test that only notes what it is told, to show what a failing
// claim says.
type failure struct{ text string }

func (f *failure) Helper()                        {}
func (f *failure) Errorf(format string, a ...any) { f.text += fmt.Sprintf(format, a...) + "\n" }
func (f *failure) Fatalf(format string, a ...any) { panic(fmt.Sprintf(format, a...)) }
