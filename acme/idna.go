package acme

import (
	"fmt"
	"strings"
)

// toASCII turns letters into lower case and refuses what is no letter, digit or
// hyphen. U-labels (RFC 5891) are not converted yet: x/net/idna needs x/text.
func toASCII(name string) (string, error) {
	name = strings.ToLower(name)
	for _, r := range name {
		if r > 0x7f {
			return "", fmt.Errorf("%q must be written in A-labels, xn--…", r)
		}
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789-.", r) {
			return "", fmt.Errorf("disallowed rune %U", r)
		}
	}
	for label := range strings.SplitSeq(name, ".") {
		if strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			return "", fmt.Errorf("label %q begins or ends in a hyphen", label)
		}
	}
	return name, nil
}
