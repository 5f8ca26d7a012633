package moving

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"certctl/foreign"
)

// planAccounts decides on the accounts. One that is here stays what it is. Of
// others at one CA, the one that most certificates come from has no name.
func (p *Plan) planAccounts(h *foreign.Household) error {
	taken := map[string]bool{} // directories, with names of accounts
	var others []*foreign.Account
	for _, a := range byUse(h) {
		directory := p.here(a)
		if directory == "" || taken[directory] {
			others = append(others, a)
			continue
		}
		taken[directory] = true
		if err := p.place(a, directory); err != nil {
			return err
		}
	}
	for _, a := range others {
		if err := checkDirectory(a.Directory); err != nil {
			p.leaveOutAccount(a, err)
			continue
		}
		directory := a.Directory
		if taken[directory] {
			directory = p.named(a, taken)
		}
		taken[directory] = true
		if err := p.place(a, directory); err != nil {
			return err
		}
	}
	return nil
}

// byUse returns the accounts, those first with which most certificates were
// ordered.
func byUse(h *foreign.Household) []*foreign.Account {
	uses := func(a *foreign.Account) (n int) {
		for _, c := range h.Certificates {
			if c.Account == a.URL && a.URL != "" {
				n++
			}
		}
		return n
	}
	accounts := slices.Clone(h.Accounts)
	slices.SortStableFunc(accounts, func(a, b *foreign.Account) int { return uses(b) - uses(a) })
	return accounts
}

func label(a *foreign.Account) string {
	if a.URL != "" {
		return a.URL
	}
	return a.From
}

func (p *Plan) leaveOutAccount(a *foreign.Account, err error) {
	p.LeftOut = append(p.LeftOut, &foreign.LeftOut{What: "account " + label(a), Err: err})
}

// here returns the directory for which an account with the same key is here, ""
// if there is none.
func (p *Plan) here(a *foreign.Account) (directory string) {
	kept, _ := p.store.Accounts() // those that cannot be read are none of ours
	for _, k := range kept {
		if base, _, _ := strings.Cut(k.Directory, "#"); base == a.Directory && sameKey(k.Key, a.Key) {
			return k.Directory
		}
	}
	return ""
}

// named returns the directory with a name for the account: the end of its URL,
// or of its key where that is another's.
func (p *Plan) named(a *foreign.Account, taken map[string]bool) (directory string) {
	for _, name := range []string{plain(path.Base(a.URL)), fingerprint(a.Key)} {
		directory = a.Directory + "#" + name
		_, err := p.store.LoadAccount(directory)
		if name != "" && !taken[directory] && errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return directory
}

// plain returns what a name of an account can have of a text.
func plain(text string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.' || r == '-' || r == '_' {
			return r
		}
		return '-'
	}, strings.ToLower(text))
	return strings.Trim(name[:min(len(name), 63)], "._-")
}

func fingerprint(key crypto.Signer) string {
	der, _ := x509.MarshalPKIXPublicKey(key.Public()) // it was read as a key
	sum := sha256.Sum256(der)
	return fmt.Sprintf("%x", sum[:6])
}

// place plans for an account to be the one for a directory.
func (p *Plan) place(a *foreign.Account, directory string) error {
	verdict, err := p.account(a, directory)
	if err == nil && verdict != "" {
		p.Accounts = append(p.Accounts, &Account{a, directory, verdict})
	}
	return err
}

// account compares an account with the one that is here. The verdict is "" for
// one that is left out.
func (p *Plan) account(a *foreign.Account, directory string) (Verdict, error) {
	here, err := p.store.LoadAccount(directory)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Add, nil
	case err != nil:
		return "", err
	case sameKey(here.Key, a.Key) && (here.URL != "" || a.URL == ""):
		return Present, nil
	case sameKey(here.Key, a.Key) || here.URL == "":
		return Add, nil
	case p.options.Replace:
		return Replace, nil
	}
	p.leaveOutAccount(a, &OccupiedError{here.URL})
	return "", nil
}

// home returns the directory of the CA that a certificate comes from, with the
// name of the account that it was ordered with.
func (p *Plan) home(c *foreign.Certificate) string {
	for _, a := range p.Accounts {
		if a.Account.Directory == c.Directory && a.URL == c.Account && a.URL != "" {
			return a.Directory
		}
	}
	return c.Directory
}

// OccupiedError says that there is another account at the CA here.
type OccupiedError struct{ URL string }

func (e *OccupiedError) Error() string {
	return fmt.Sprintf("there is another account at this CA here, %s, which renews from now on", e.URL)
}

// Hint says how to take it all the same.
func (e *OccupiedError) Hint() string {
	return "--force takes it in the place of the other; certctl account export keeps that one first"
}

func sameKey(a, b crypto.Signer) bool {
	public, ok := a.Public().(interface{ Equal(crypto.PublicKey) bool })
	return ok && public.Equal(b.Public())
}
