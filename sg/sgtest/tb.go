package sgtest

// TB is what the helpers need of a test. [*testing.T], [*testing.B] and
// [*testing.F] implement it, and so do the types of most test frameworks.
type TB interface {
	Helper()
	Errorf(format string, args ...any) // marks the test failed and goes on
	Fatalf(format string, args ...any) // marks the test failed and ends it
}

// A cleaner is a test with Cleanup, as in package testing.
type cleaner interface {
	Cleanup(func())
	Failed() bool
	Logf(format string, args ...any)
}
