// Package http01 answers the http-01 challenge (RFC 8555 §8.3, RFC 8738 §4): the
// CA asks a name or an IP address, at port 80, for
// /.well-known/acme-challenge/TOKEN, and wants to see the key authorization.
// There are two ways to give it to the CA: a Server that listens for as long as
// the CA looks, and a Placement of files below the directory of a web server
// that runs anyway.
package http01

import (
	"fmt"
	"strings"
)

// directory is where the CA looks (RFC 8555 §8.3).
const directory = ".well-known/acme-challenge"

// Answer is what the CA wants to see for one token.
type Answer struct {
	Token string
	Text  string // the key authorization (RFC 8555 §8.1)
}

// check makes sure that a token is one: a CA that sends "../../x" must not have
// us write there.
func (a Answer) check() error {
	const base64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" // RFC 8555 §8.3
	if a.Token == "" || len(a.Token) > 200 || strings.Trim(a.Token, base64url) != "" {
		return fmt.Errorf("the CA's token %.40q is not of the base64url alphabet", a.Token)
	}
	return nil
}

func check(answers []Answer) error {
	for _, a := range answers {
		if err := a.check(); err != nil {
			return err
		}
	}
	return nil
}
