package cli

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"certctl/acme"
	"certctl/config"
	"certctl/issuance"
	"certctl/store"
)

func (p *Process) showCommand() *cli.Command {
	return &cli.Command{
		Name:      "show",
		Usage:     "show a certificate and what is known of it",
		ArgsUsage: "NAME",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "json", Usage: "print one JSON document"},
			&cli.BoolFlag{Name: "pem", Usage: "print the certificate and its chain in PEM"},
		},
		Action: p.show,
	}
}

// shown is a certificate as show prints it.
type shown struct {
	Certificate string       `json:"certificate"`
	Names       []string     `json:"names"`
	Serial      string       `json:"serial"` // hexadecimal
	NotBefore   time.Time    `json:"not_before"`
	NotAfter    time.Time    `json:"not_after"`
	KeyType     string       `json:"key_type"`
	Fingerprint string       `json:"fingerprint"` // SHA-256 of the certificate
	SPKI        string       `json:"spki"`        // SHA-256 of its public key
	Chain       []*issuer    `json:"chain"`       // the issuer, its issuer, and so on
	Files       *filesReport `json:"files"`
	Versions    int          `json:"versions"` // in the archive

	// What is remembered of it, if anything is.
	Directory  string     `json:"directory,omitempty"`
	Profile    string     `json:"profile,omitempty"`
	RenewAfter *time.Time `json:"renew_after,omitempty"`
	Window     *window    `json:"window,omitempty"` // that the CA suggests (RFC 9773)
	Revoked    *time.Time `json:"revoked,omitempty"`
	Reason     string     `json:"reason,omitempty"`
	Undeployed bool       `json:"undeployed,omitempty"`
	LastError  string     `json:"last_error,omitempty"`
}

type issuer struct {
	Subject     string    `json:"subject"`
	Issuer      string    `json:"issuer"`
	NotAfter    time.Time `json:"not_after"`
	Fingerprint string    `json:"fingerprint"`
}

type window struct {
	Start       time.Time `json:"start"`
	End         time.Time `json:"end"`
	Explanation string    `json:"explanation,omitempty"`
}

func (p *Process) show(c *cli.Context) error {
	name, err := oneName(c)
	if err != nil {
		return err
	}
	r, err := p.open(c)
	if err != nil {
		return err
	}
	live, err := r.live(name)
	if err != nil {
		return err
	}
	if c.Bool("pem") {
		return writePEM(p.Stdout, live)
	}
	s, err := r.shown(live)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return writeJSON(p.Stdout, s)
	}
	s.write(p.Stdout, time.Now())
	return nil
}

func writePEM(w io.Writer, live *store.Certificate) error {
	for _, c := range append([]*x509.Certificate{live.Leaf}, live.Issuers...) {
		if err := pem.Encode(w, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) shown(live *store.Certificate) (*shown, error) {
	leaf := live.Leaf
	s := &shown{
		Certificate: live.Name, Names: acme.NamesIn(leaf), Serial: serial(leaf), NotBefore: leaf.NotBefore, NotAfter: leaf.NotAfter,
		KeyType: string(issuance.KeyTypeOf(leaf.PublicKey)), Fingerprint: fingerprint(leaf.Raw), SPKI: fingerprint(leaf.RawSubjectPublicKeyInfo),
		Files: &filesReport{PrivateKey: live.PrivateKey, Cert: live.Cert, Chain: live.Chain, FullChain: live.FullChain},
	}
	for _, c := range live.Issuers {
		s.Chain = append(s.Chain, &issuer{c.Subject.String(), c.Issuer.String(), c.NotAfter, fingerprint(c.Raw)})
	}
	versions, err := r.store.Versions(live.Name)
	if err != nil {
		return nil, err
	}
	s.Versions = len(versions)
	kept, err := r.store.LoadRequest(live.Name)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err == nil {
		s.remember(kept)
	}
	return s, err
}

func (s *shown) remember(k *store.Request) {
	s.Directory, s.Profile, s.Undeployed = k.Directory, k.Profile, k.Undeployed
	if k.Issued != nil {
		at := issuance.RenewAfter(k)
		s.RenewAfter = &at
		if !k.Issued.Revoked.IsZero() {
			s.Revoked, s.Reason = &k.Issued.Revoked, k.Issued.Reason
		}
	}
	if w := k.Window; w != nil && !w.Start.IsZero() {
		s.Window = &window{w.Start, w.End, w.Explanation}
	}
	if k.Failure != nil {
		s.LastError = k.Failure.Error
	}
}

func fingerprint(der []byte) string { return fmt.Sprintf("%x", sha256.Sum256(der)) }

func (s *shown) write(w io.Writer, now time.Time) {
	row := func(label, value string) {
		if value != "" {
			fmt.Fprintf(w, "  %-11s %s\n", label, value)
		}
	}
	fmt.Fprintf(w, "%s\n", s.Certificate)
	row("names", strings.Join(s.Names, ", "))
	row("serial", s.Serial)
	row("valid", fmt.Sprintf("from %s to %s, %s", day(s.NotBefore), day(s.NotAfter), remaining(s.NotAfter.Sub(now))))
	if s.Revoked != nil {
		row("revoked", fmt.Sprintf("on %s (%s)", day(*s.Revoked), s.Reason))
	}
	row("key", s.KeyType)
	row("fingerprint", s.Fingerprint)
	row("spki", s.SPKI)
	for _, c := range s.Chain {
		row("issuer", fmt.Sprintf("%s, signed by %s, until %s", c.Subject, c.Issuer, day(c.NotAfter)))
	}
	if s.Directory != "" {
		row("ca", config.DirectoryOf(s.Directory).Label())
	}
	row("profile", s.Profile)
	s.writeRenewal(row)
	row("versions", fmt.Sprint(s.Versions))
	row("privkey", first(s.Files.PrivateKey, "with whoever made the certificate request"))
	row("fullchain", s.Files.FullChain)
}

func (s *shown) writeRenewal(row func(label, value string)) {
	if s.RenewAfter != nil && s.Revoked == nil {
		row("renew", "after "+day(*s.RenewAfter))
	}
	if s.Window != nil {
		row("suggested", strings.TrimSpace(fmt.Sprintf("%s to %s %s", day(s.Window.Start), day(s.Window.End), s.Window.Explanation)))
	}
	if s.Undeployed {
		row("deploy", "to be done, or it has failed: certctl deploy "+s.Certificate)
	}
	row("last error", s.LastError)
}

// remaining says how much is left of a lifetime.
func remaining(left time.Duration) string {
	switch {
	case left < 0:
		return "which is over"
	case left < 48*time.Hour:
		return fmt.Sprintf("%d h left", int(left.Hours()))
	}
	return fmt.Sprintf("%d d left", int(left.Hours()/24))
}
