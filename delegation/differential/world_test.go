package differential

import (
	"bufio"
	"fmt"
	"slices"
	"strings"

	"certctl/delegation"
	"certctl/lab/authority"
)

// world is a DNS world as text says it: zones and their servers, what is wrong
// with servers, and the names to be compared. All names are absolute.
//
//	server ns2.x. dead
//	zone x. ns1.x. ns2.x.
//		_acme-challenge.x. CNAME a.y.
//		y.x. NS ns1.y.
//	zone u.x. undelegated ns1.x. ns2.x.
//	name _acme-challenge.x.
//
// As in an authority.World, what is not said is as it should be.
type world struct {
	faults map[string]string // by server
	zones  []zone
	names  []delegation.Name
}

// zone is a zone with its records in master-file format.
type zone struct {
	apex        string
	undelegated bool
	servers     []string
	records     []string
}

// faults are what a server can be.
var faults = map[string]authority.Fault{
	"dead":      {Dead: true},
	"refuse":    {Refuse: true},
	"servfail":  {Servfail: -1},
	"noaa":      {NoAA: true},
	"truncate":  {Truncate: true},
	"notcp":     {Truncate: true, NoTCP: true},
	"lowercase": {LowerCase: true},
}

// String returns the text from which parseWorld makes the same world.
func (w *world) String() string {
	var b strings.Builder
	for _, s := range sorted(w.faults) {
		fmt.Fprintf(&b, "server %s %s\n", s, w.faults[s])
	}
	for _, z := range w.zones {
		b.WriteString("zone " + z.apex)
		if z.undelegated {
			b.WriteString(" undelegated")
		}
		b.WriteString(" " + strings.Join(z.servers, " ") + "\n")
		for _, r := range z.records {
			b.WriteString("\t" + r + "\n")
		}
	}
	for _, n := range w.names {
		fmt.Fprintf(&b, "name %s\n", n)
	}
	return b.String()
}

func sorted(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// parseWorld reads a world. Empty lines and those that begin with # are for
// people.
func parseWorld(text string) (*world, error) {
	w := &world{faults: map[string]string{}}
	lines := bufio.NewScanner(strings.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		if line := strings.TrimSpace(lines.Text()); line == "" || line[0] == '#' {
			continue
		}
		if err := w.parseLine(lines.Text()); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
	return w, lines.Err()
}

func (w *world) parseLine(line string) error {
	words := strings.Fields(line)
	record := strings.HasPrefix(line, "\t")
	switch {
	case record && len(w.zones) > 0:
		z := &w.zones[len(w.zones)-1]
		z.records = append(z.records, strings.TrimSpace(line))
	case record || len(words) < 2:
		return fmt.Errorf("%q is out of place", line)
	case words[0] == "server" && len(words) == 3:
		if _, known := faults[words[2]]; !known {
			return fmt.Errorf("there is no fault %q", words[2])
		}
		w.faults[words[1]] = words[2]
	case words[0] == "zone" && len(words) > 2:
		z := zone{apex: words[1], servers: words[2:]}
		if z.undelegated = words[2] == "undelegated"; z.undelegated {
			z.servers = words[3:]
		}
		w.zones = append(w.zones, z)
	case words[0] == "name":
		n, err := delegation.ParseName(words[1])
		w.names = append(w.names, n)
		return err
	default:
		return fmt.Errorf("%q is not understood", line)
	}
	return nil
}

// rootServer is the one server of the root, which is never at fault.
const rootServer = "ns.root."

// build makes the world. It returns the zones by their apex as well.
func (w *world) build() (*authority.World, map[delegation.Name]*authority.Zone) {
	a := authority.New()
	a.Recursor()
	zones := map[delegation.Name]*authority.Zone{".": a.Zone(".", "", rootServer)}
	for _, z := range w.zones {
		made := a.Zone(z.apex, strings.Join(z.records, "\n"), z.servers...)
		if z.undelegated {
			made.Undelegated()
		}
		zones[delegation.Name(z.apex)] = made
	}
	for server, fault := range w.faults {
		a.Server(server).Fault(faults[fault])
	}
	return a, zones
}

// closest returns the zone with the longest apex at or above a name, nil if
// only the root is.
func (w *world) closest(name string) *zone {
	var best *zone
	for i, z := range w.zones {
		if delegation.Name(name).IsAtOrBelow(delegation.Name(z.apex)) && (best == nil || len(z.apex) > len(best.apex)) {
			best = &w.zones[i]
		}
	}
	return best
}
