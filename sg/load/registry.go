package load

import (
	"cmp"
	"slices"
)

// A registry holds the things of one kind by id, in the order in which they were first
// read.
type registry[K comparable, T any] struct {
	all []T
	of  map[K]T
}

// get returns the thing with an id, adding x if there is none yet.
func (s *registry[K, T]) get(id K, x T) T {
	if old, known := s.of[id]; known {
		return old
	}
	if s.of == nil {
		s.of = make(map[K]T)
	}
	s.of[id] = x
	s.all = append(s.all, x)
	return x
}

// placeIn returns where the thing with an id was first read, the zero Place if there
// is none.
func placeIn[K comparable, T placed](s *registry[K, T], id K) Place {
	if x, known := s.of[id]; known {
		return x.place()
	}
	return Place{}
}

// A placed thing knows where it was first read.
type placed interface{ place() Place }

type origin struct{ at *cursor }

func (o *origin) place() Place { return o.at.place() }

// A piece is what stands inside another thing, with its origin.
type piece[T any] struct {
	value T
	origin
}

// setDefault sets a value that is not set yet.
func setDefault[T comparable](old *T, v T) { *old = cmp.Or(*old, v) }

// A set keeps the items of a list distinct.
type set[T comparable] struct {
	has map[T]struct{} // nil: compared one by one
}

// add appends the items that the list does not hold yet.
func (s *set[T]) add(list *[]T, items ...T) {
	const few = 16
	for _, x := range items {
		if s.has == nil && len(*list) >= few {
			s.has = make(map[T]struct{}, 2*few)
			for _, old := range *list {
				s.has[old] = struct{}{}
			}
		}
		switch _, known := s.has[x]; {
		case known:
		case s.has != nil:
			s.has[x] = struct{}{}
			*list = append(*list, x)
		case !slices.Contains(*list, x):
			*list = append(*list, x)
		}
	}
}

// addNew appends the items that s does not hold yet. s is long only if items is.
func addNew[T comparable](s []T, items ...T) []T {
	new(set[T]).add(&s, items...)
	return s
}
