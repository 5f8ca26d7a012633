package acme

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/publicsuffix"
)

// NameError says why a name cannot be ordered.
type NameError struct {
	Name   string // as it was given
	Reason string

	hint string
}

func (e *NameError) Error() string { return fmt.Sprintf("%q %s", e.Name, e.Reason) }

// Hint returns what the user can do, or "".
func (e *NameError) Hint() string { return e.hint }

// withoutURL returns a hint where a URL was given, or a name with a port.
func withoutURL(text string) string {
	if !strings.Contains(text, "//") {
		text = "//" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.User != nil || u.Hostname() == "" || u.Host == text[2:] && u.Port() == "" {
		return ""
	}
	return "only the name is needed: -d " + u.Hostname()
}

// ParseNames turns what the user typed into the identifiers of an order:
// lower case A-labels, in the order given, each once. U-labels are converted
// (IDNA 2008, UTS 46 non-transitional); a wildcard is a whole first label. An
// IP address, also in brackets, is in the form of RFC 5952 or four numbers. A
// name that fails, a public suffix itself, or a name listed twice makes the
// whole list an error that shows every one of them.
func ParseNames(names []string) ([]string, error) {
	if len(names) == 0 {
		return nil, errors.New("no names given")
	}
	var parsed []string
	var errs []error
	first := map[string]string{} // how a name was written first
	for _, name := range names {
		p, err := parseName(name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if earlier, listed := first[p]; listed {
			errs = append(errs, &NameError{Name: name, Reason: twice(name, earlier)})
			continue
		}
		first[p] = name
		parsed = append(parsed, p)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return parsed, nil
}

func twice(name, earlier string) string {
	if name == earlier {
		return "is listed twice"
	}
	return fmt.Sprintf("is listed twice, first as %q", earlier)
}

func parseName(name string) (string, error) {
	if addr, err := netip.ParseAddr(unbracketed(name)); err == nil {
		if addr.Zone() != "" {
			return "", &NameError{Name: name, Reason: "is an IP address that holds on one link only"}
		}
		return addr.Unmap().String(), nil
	}
	base, wildcard := strings.CutPrefix(name, "*.")
	if wildcard && IsAddress(base) {
		return "", &NameError{Name: name, Reason: "is a wildcard of an IP address"}
	}
	base = strings.TrimSuffix(base, ".")
	if reason := oddity(base); reason != "" {
		return "", &NameError{Name: name, Reason: reason}
	}
	ascii, err := toASCII(base)
	if err != nil {
		return "", &NameError{Name: name, Reason: "is not a valid name: " + err.Error(), hint: withoutURL(name)}
	}
	if wildcard {
		ascii = "*." + ascii
	}
	if reason := misfit(ascii); reason != "" {
		return "", &NameError{Name: name, Reason: reason}
	}
	return ascii, nil
}

// unbracketed returns what is within the brackets in which an IPv6 address is
// written in URLs.
func unbracketed(name string) string {
	if strings.HasPrefix(name, "[") && strings.HasSuffix(name, "]") && strings.Contains(name, ":") {
		return name[1 : len(name)-1]
	}
	return name
}

// ParseDomains is ParseNames where IP addresses have no place: in the DNS.
func ParseDomains(names []string) ([]string, error) {
	parsed, err := ParseNames(names)
	if err != nil {
		return nil, err
	}
	for _, name := range parsed {
		if IsAddress(name) {
			return nil, &NameError{name, "is an IP address", "an IP address is not proven in the DNS: certctl issue --challenge http-01 -d " + name}
		}
	}
	return parsed, nil
}

// oddity finds what deserves a better word than IDNA has for it.
func oddity(base string) string {
	switch {
	case base == "" || base == "*":
		return "is not a name"
	case strings.Contains(base, "*"):
		return "has a * that is not its whole first label"
	case strings.Contains(base, "_"):
		return "has an underscore, which no public CA may put in a certificate"
	case strings.ContainsRune(base, utf8.RuneError): // which IDNA lets pass
		return "is not UTF-8"
	default:
		return ""
	}
}

const maxName = 253 // characters without the final dot (RFC 1035 §2.3.4)

// misfit finds what is a fine name, but not for a certificate.
func misfit(ascii string) string {
	if len(ascii) > maxName {
		return fmt.Sprintf("is longer than %d characters", maxName)
	}
	base := strings.TrimPrefix(ascii, "*.")
	labels := strings.Split(base, ".")
	for _, label := range labels {
		if label == "" {
			return "has an empty label"
		}
		if len(label) > 63 {
			return fmt.Sprintf("has a label of %d characters, 63 are allowed", len(label))
		}
	}
	suffix, managed := publicsuffix.PublicSuffix(base)
	switch {
	case len(labels) == 1 && !managed:
		return "has a single label"
	case base == suffix && managed:
		return "is a public suffix"
	case strings.Trim(labels[len(labels)-1], "0123456789") == "":
		return "ends in a number"
	default:
		return ""
	}
}
