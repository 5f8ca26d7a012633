package debian

// Serves tells the site of servers that it did not start: Unbound begins at
// them where the zone is the root.
func (s *Site) Serves(d Delegation) {
	for _, addr := range d.Servers {
		s.served = append(s.served, service{d.Zone, addr})
	}
}
