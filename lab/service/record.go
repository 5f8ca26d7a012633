package service

import "slices"

// Record is one record of a set, for services that keep them one by one.
type Record struct {
	ID int
	Key
	TTL  int
	Data string
}

// ident is what a record's id belongs to: of records that are all the same, the
// nth.
type ident struct {
	Key
	data string
	nth  int
}

// Records returns all records, in the order of Keys. It is for the handler, and
// for Do.
func (s *Service) Records() []Record {
	var all []Record
	for _, k := range s.Keys() {
		set, seen := s.sets[k], make(map[string]int)
		for _, data := range set.Data {
			all = append(all, Record{s.id(ident{k, data, seen[data]}), k, set.TTL, data})
			seen[data]++
		}
	}
	return all
}

// id returns the number of a record, which it keeps.
func (s *Service) id(of ident) int {
	if i := slices.Index(s.idents, of); i >= 0 {
		return firstID + i
	}
	s.idents = append(s.idents, of)
	return firstID + len(s.idents) - 1
}

const firstID = 10001

// Record returns the record with an id. It is for the handler, and for Do.
func (s *Service) Record(id int) (Record, bool) {
	all := s.Records()
	if i := slices.IndexFunc(all, func(r Record) bool { return r.ID == id }); i >= 0 {
		return all[i], true
	}
	return Record{}, false
}

// Insert adds a record, beside others and beside one that is the same. The set
// gets its TTL. It is for the handler, and for Do.
func (s *Service) Insert(k Key, ttl int, data string) Record {
	set := s.Get(k)
	n := 0
	for _, d := range set.Data {
		if d == data {
			n++
		}
	}
	s.Put(k, Set{ttl, append(slices.Clone(set.Data), data)})
	return Record{s.id(ident{k, data, n}), k, ttl, data}
}

// Drop removes one record. It is for the handler, and for Do.
func (s *Service) Drop(r Record) {
	set := s.Get(r.Key)
	if i := slices.Index(set.Data, r.Data); i >= 0 {
		s.Put(r.Key, Set{set.TTL, slices.Delete(slices.Clone(set.Data), i, i+1)})
	}
}
