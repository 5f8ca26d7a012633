package store

import (
	"crypto/sha256"
	"fmt"
	"strings"
)

// maxName leaves room for what is added to a name in the 255 bytes that file
// systems allow.
const maxName = 230

// Name returns the name for a certificate whose first domain or IP address this
// is: a domain in lower case without "*.", an IPv6 address with hyphens. A
// domain that is too long for a file's name is cut and marked with a part of
// its hash.
func Name(domain string) string {
	name := strings.ReplaceAll(strings.ToLower(domain), ":", "-")
	if strings.HasPrefix(name, "-") { // of ::1
		name = "0" + name
	}
	return shorten(strings.TrimSuffix(strings.TrimPrefix(name, "*."), "."))
}

func shorten(name string) string {
	if len(name) <= maxName {
		return name
	}
	return fmt.Sprintf("%s-%x", name[:maxName-17], sha256.Sum256([]byte(name)))[:maxName]
}

// CheckName refuses what could lead out of the state directory, or be two names
// here and one on a file system that ignores case.
func CheckName(name string) error {
	if name == "" || len(name) > maxName {
		return fmt.Errorf("certificate name %q: 1 to %d characters are needed", name, maxName)
	}
	if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789.-_") != "" {
		return fmt.Errorf("certificate name %q: only lower-case letters, digits, dots, hyphens and underscores are allowed", name)
	}
	if name[0] == '.' || name[0] == '-' || name[len(name)-1] == '.' {
		return fmt.Errorf("certificate name %q: it may not begin with a dot or hyphen, nor end in a dot", name)
	}
	return nil
}
