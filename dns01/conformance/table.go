package conformance

import (
	"certctl/delegation"
	"certctl/lab/service"
)

// Of returns the world of a made-up service that keeps the data of TXT records
// as quote writes it.
func Of(s *service.Service, zone delegation.Name, quote func(string) string, unquote func(string) (string, error)) World {
	key := func(owner delegation.Name) service.Key { return service.Key{Owner: owner.String(), Type: "TXT"} }
	return World{
		Zone: zone,
		Fail: s.Fail,
		Values: func(owner delegation.Name) (values []string) {
			s.Do(func() {
				for _, data := range s.Get(key(owner)).Data {
					value, err := unquote(data)
					if err != nil {
						value = data
					}
					values = append(values, value)
				}
			})
			return values
		},
		Add: func(owner delegation.Name, value string) {
			s.Do(func() {
				set := s.Get(key(owner))
				set.TTL = max(set.TTL, 300)
				set.Data = append(set.Data, quote(value))
				s.Put(key(owner), set)
			})
		},
	}
}
