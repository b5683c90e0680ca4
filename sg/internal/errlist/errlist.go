// Package errlist takes apart what errors.Join put together.
package errlist

// Of returns the errors that err joins, and those that they join: err alone where it is
// no join, none for nil.
func Of(err error) (all []error) {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok { // one error, or one that wraps a join and adds words
		return []error{err}
	}
	for _, e := range joined.Unwrap() {
		all = append(all, Of(e)...)
	}
	return all
}
