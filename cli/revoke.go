package cli

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"certctl/acme"
	"certctl/config"
	"certctl/issuance"
	"certctl/store"
)

func (p *Process) revokeCommand() *cli.Command {
	return &cli.Command{
		Name:      "revoke",
		Usage:     "have the CA declare a certificate invalid",
		UsageText: "certctl revoke --reason keyCompromise web\ncertctl revoke --cert cert.pem --key privkey.pem --server letsencrypt",
		ArgsUsage: "[NAME]",
		Description: "The account that ordered the certificate revokes it, or the certificate's own key: with\n" +
			"--key, for the reason keyCompromise, and where that account is not here. Renew orders no new\n" +
			"one by itself; issue does, and renew --force NAME.",
		Flags: caFlags(
			&cli.StringFlag{Name: "cert", Aliases: []string{"cert-path"}, Usage: "the certificate in `FILE` (PEM)"},
			&cli.StringFlag{Name: "key", Aliases: []string{"key-path"}, Usage: "`FILE` with the certificate's private key (PEM)"},
			&cli.StringFlag{Name: "reason", Value: string(acme.Unspecified), Usage: "`WORD`: " + reasons()},
			yesFlag(),
		),
		Action: p.revoke,
	}
}

func reasons() string {
	var words []string
	for _, r := range acme.RevocationReasons {
		words = append(words, string(r))
	}
	return strings.Join(words, ", ")
}

// revocation is a certificate that is to be revoked.
type revocation struct {
	leaf   *x509.Certificate
	reason acme.RevocationReason
	key    crypto.Signer  // the certificate's; nil if it is not at hand
	chosen *config.ACME   // the CA
	kept   *store.Request // nil if it is none that is live here
	given  bool           // the key, with --key
}

func (p *Process) revoke(c *cli.Context) error {
	r, err := p.open(c)
	if err != nil {
		return err
	}
	unlock, err := r.lock(c)
	if err != nil {
		return err
	}
	defer unlock()
	v, err := r.revocation(c)
	if err != nil {
		return err
	}
	question := fmt.Sprintf("Revoke the certificate for %s with the serial number %s (%s)?", strings.Join(acme.NamesIn(v.leaf), ", "), serial(v.leaf), v.reason)
	if err := p.confirm(c, question); err != nil {
		return err
	}
	by, err := r.carryOutRevocation(c, v)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.Stdout, "certificate %s for %s: revoked by %s\n", serial(v.leaf), strings.Join(acme.NamesIn(v.leaf), ", "), by)
	if v.kept == nil {
		return nil
	}
	v.kept.Issued.Revoked, v.kept.Issued.Reason = time.Now(), string(v.reason)
	return r.store.SaveRequest(v.kept)
}

// revocation gathers what is meant by flags and argument.
func (r *run) revocation(c *cli.Context) (v *revocation, err error) {
	v = &revocation{}
	if v.reason, err = acme.ParseRevocationReason(reasonWord(c.String("reason"))); err != nil {
		return nil, usagef("", "--reason: %w", err)
	}
	if v.chosen, err = chooseCA(c, r.config); err != nil {
		return nil, err
	}
	switch file := c.String("cert"); {
	case file != "" && len(namesGiven(c)) == 0:
		v.leaf, err = readCertificate(file)
	case file == "" && len(namesGiven(c)) == 1:
		err = r.revocationOf(c, v, namesGiven(c)[0])
	default:
		return nil, usagef("flags come before the name: certctl revoke --reason superseded web", "one certificate is expected: a name, or --cert FILE")
	}
	if err != nil {
		return nil, err
	}
	if v.kept == nil {
		v.kept = r.liveRequest(v.leaf)
	}
	if path := c.String("key"); path != "" {
		if v.key, err = readKey(path); err != nil {
			return nil, usagef("", "--key: %w", err)
		}
		v.given = true
		if own, ok := v.key.Public().(interface{ Equal(crypto.PublicKey) bool }); !ok || !own.Equal(v.leaf.PublicKey) {
			return nil, usagef("", "--key: %s is not the key of this certificate", path)
		}
	}
	return v, nil
}

// revocationOf takes a certificate from the store, and its CA from what is
// remembered of it.
func (r *run) revocationOf(c *cli.Context, v *revocation, name string) error {
	live, err := r.live(name)
	if err != nil {
		return err
	}
	v.leaf, v.key = live.Leaf, live.Key
	v.kept, err = r.store.LoadRequest(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && !c.IsSet("server") && !c.IsSet("staging") {
		v.chosen = r.configFor(v.kept.Directory)
	}
	return err
}

// liveRequest returns what is remembered of a certificate that is live here.
func (r *run) liveRequest(leaf *x509.Certificate) *store.Request {
	kept, _ := r.store.Requests()
	for _, k := range kept {
		if live, err := r.store.LoadCertificate(k.Name); err == nil && live.Leaf.Equal(leaf) && k.Issued != nil {
			return k
		}
	}
	return nil
}

// carryOutRevocation has the CA revoke, and says in whose name.
func (r *run) carryOutRevocation(c *cli.Context, v *revocation) (by string, err error) {
	ca, err := r.ca(c.Context, v.chosen)
	if err != nil {
		return "", err
	}
	account, err := issuance.KnownAccount(c.Context, ca, r.store)
	_, none := errors.AsType[*issuance.UnregisteredError](err)
	if err != nil && !none {
		return "", err
	}
	foreign := none || v.kept != nil && v.kept.Account != "" && v.kept.Account != account.URL
	if v.given || v.key != nil && (foreign || v.reason == acme.KeyCompromise) {
		return "its own key", ca.Revoke(c.Context, v.key, v.leaf.Raw, v.reason)
	}
	if none {
		return "", &hintedError{err, "certctl revoke --key FILE does it with the certificate's private key"}
	}
	return "the account", account.Revoke(c.Context, v.leaf.Raw, v.reason)
}

// readCertificate reads the first certificate of a PEM file.
func readCertificate(path string) (*x509.Certificate, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, usagef("", "--cert: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, usagef("", "--cert: %s is no certificate in PEM", path)
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, usagef("", "--cert: %s: %w", path, err)
	}
	return leaf, nil
}

// live returns the certificate of a name that the user gave.
func (r *run) live(name string) (*store.Certificate, error) {
	if err := store.CheckName(name); err != nil {
		return nil, &UsageError{Err: err}
	}
	live, err := r.store.LoadCertificate(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usagef("certctl list shows those that there are", "there is no certificate %s", name)
	}
	return live, err
}

// oneName returns the one argument of a command: the name of a certificate.
func oneName(c *cli.Context) (string, error) {
	args := namesGiven(c)
	if len(args) == 1 && !strings.HasPrefix(args[0], "-") {
		return args[0], nil
	}
	remedy := "certctl list shows those that there are"
	if slices.ContainsFunc(args, func(word string) bool { return strings.HasPrefix(word, "-") }) {
		remedy = "flags come before the name"
	}
	return "", usagef(remedy, "%s takes the name of one certificate", c.Command.Name)
}
