// Package txt writes and reads the data of TXT records in presentation format
// (RFC 1035 §5.1), which many services want in their API: one or more strings of
// up to 255 bytes, in quotation marks.
package txt

import (
	"errors"
	"fmt"
	"strings"
)

// longest is how long one string can be (RFC 1035 §3.3).
const longest = 255

// Quote returns the data that has a value: "…" or "…" "…".
func Quote(value string) string {
	var b strings.Builder
	for first := true; first || value != ""; first = false {
		n := min(len(value), longest)
		if !first {
			b.WriteByte(' ')
		}
		quote(&b, value[:n])
		value = value[n:]
	}
	return b.String()
}

func quote(b *strings.Builder, text string) {
	b.WriteByte('"')
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c > '~':
			fmt.Fprintf(b, `\%03d`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
}

// errSyntax says that data is not in presentation format.
var errSyntax = errors.New("the data of a TXT record is in no form that can be read")

// Unquote returns the value that data has: its strings without anything between
// them. A string may be without quotation marks.
func Unquote(data string) (string, error) {
	var value []byte
	quoted := false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\':
			b, n, err := escape(data[i+1:])
			if err != nil {
				return "", err
			}
			value, i = append(value, b), i+n
		case !quoted && (c == ' ' || c == '\t'):
		default:
			value = append(value, c)
		}
	}
	if quoted {
		return "", errSyntax
	}
	return string(value), nil
}

// Join returns the value of the strings of a TXT record in which quotation marks,
// backslashes and what cannot be printed are escaped, as miekg/dns has them.
func Join(escaped []string) (string, error) {
	return Unquote(`"` + strings.Join(escaped, "") + `"`)
}

// escape reads what follows a backslash, and how much of it: a character, or
// three digits.
func escape(rest string) (byte, int, error) {
	if rest == "" {
		return 0, 0, errSyntax
	}
	if rest[0] < '0' || rest[0] > '9' {
		return rest[0], 1, nil
	}
	var code int
	if len(rest) < 3 {
		return 0, 0, errSyntax
	}
	for _, d := range []byte(rest[:3]) {
		if d < '0' || d > '9' {
			return 0, 0, errSyntax
		}
		code = 10*code + int(d-'0')
	}
	if code > 255 {
		return 0, 0, errSyntax
	}
	return byte(code), 3, nil
}
