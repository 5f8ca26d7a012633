package acme

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ProfileError says that a CA does not have a certificate profile: it never had
// it, or has it no more.
type ProfileError struct {
	Profile string
	Offered []string // sorted
}

func (e *ProfileError) Error() string {
	if len(e.Offered) == 0 {
		return fmt.Sprintf("profile %q: the CA has no profiles", e.Profile)
	}
	return fmt.Sprintf("profile %q: the CA has %s", e.Profile, strings.Join(e.Offered, ", "))
}

// Hint says where a profile is named.
func (e *ProfileError) Hint() string {
	if len(e.Offered) == 0 {
		return "leave --profile and `profile:` out"
	}
	return fmt.Sprintf("name one that there is with --profile %s, or as `profile:` of the certificate or below `acme:`; a certificate that is not in the configuration is ordered anew with certctl issue", e.Offered[0])
}

// checkProfile finds a profile that is not in the directory.
func (c *CA) checkProfile(profile string) error {
	if _, ok := c.Profiles[profile]; ok || profile == "" {
		return nil
	}
	e := &ProfileError{Profile: profile}
	for _, name := range slices.Sorted(maps.Keys(c.Profiles)) {
		e.Offered = append(e.Offered, plain(name))
	}
	return e
}
