package conntrack

// settle moves the records of a segment back towards their own buckets, into places
// that dropped records have left. Without it, ever more records come to lie far from
// their bucket as connections come and go: at a steady number of connections a miss
// looks at 15 buckets, or 31 for IPv6, in place of 2.
func (s *store) settle(id uint32) {
	info := &s.segments[id]
	info.dropped = 0
	list := info.buckets
	before := len(list) - 1
	for i := range list {
		if list[before][0][wordMeta]&metaPassed != 0 { // otherwise all records of bucket i belong there
			for at := range s.taken(list[i : i+1]) {
				s.moveBack(id, uint32(i), at)
			}
		}
		before = i
	}
}

// moveBack moves a record of a bucket to the first free place from its own bucket on,
// if that is before the bucket.
func (s *store) moveBack(id, bucket, at uint32) {
	info := &s.segments[id]
	list := info.buckets
	for i := home(list, s.hashAt(&list[bucket], at)); i != bucket; i = next(list, i) {
		if free, ok := s.free(&list[i]); ok {
			s.carry(info, bucket*bucketUnits+at, id, i*bucketUnits+free)
			vacate(list, i, bucket*bucketUnits+at)
			return
		}
	}
}
