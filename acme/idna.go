package acme

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/net/idna"
)

// toASCII turns U-labels into A-labels and all into lower case, as for looking
// up names (RFC 5891 §5, UTS 46 §4), with no rule left out that keeps a name
// from meaning two things.
func toASCII(name string) (string, error) {
	profile := idna.New(
		idna.MapForLookup(),
		idna.Transitional(false),
		idna.StrictDomainName(true),
		idna.BidiRule(),
		idna.CheckHyphens(true),
		idna.CheckJoiners(true),
	)
	ascii, err := profile.ToASCII(name)
	if err != nil {
		return "", errors.New(inWords(err))
	}
	return ascii, nil
}

// inWords says what is wrong with a name: of a character that no name can have,
// the library says the number only.
func inWords(err error) string {
	text := strings.TrimPrefix(err.Error(), "idna: ")
	var r rune
	if _, failed := fmt.Sscanf(text, "disallowed rune U+%x", &r); failed == nil {
		return fmt.Sprintf("it has the character %q", r)
	}
	return text
}
