package acme

// ParseNames turns what the user typed into the identifiers of an order:
// lower case A-labels, in the order given, each once. U-labels are converted
// (IDNA 2008, UTS 46 non-transitional); a wildcard is a whole first label. A
// name that fails, an IP address, a public suffix itself, or a name listed
// twice makes the whole list an error that shows every one of them.
func ParseNames(names []string) ([]string, error) { panic("not yet written") }
