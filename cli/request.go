package cli

import (
	"crypto/x509"
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
	"certctl/hook"
	"certctl/issuance"
)

// requestFlags are the flags of issue that say what a certificate is like.
func requestFlags(domains *cli.StringSlice) []cli.Flag {
	return append([]cli.Flag{
		challengeFlag("prove the names by `TYPE`, also when it is renewed: "),
		&cli.StringFlag{Name: "persist-for", Usage: "let records of dns-persist-01 that are written be good for `TIME`, like 90d; default: until they are removed"},
		&cli.StringSliceFlag{Name: "deploy", Usage: "run `COMMAND` whenever a new certificate is in place, also when it is renewed; repeat for more"},
		&cli.StringFlag{Name: "csr", Usage: "send the certificate request in `FILE` (PEM or DER), also when it is renewed; the private key is not needed"},
		&cli.StringFlag{Name: "private-key", Usage: "use the private key in `FILE` (PEM), also when it is renewed"},
		&cli.BoolFlag{Name: "reuse-key", Usage: "keep the private key when the certificate is renewed"},
		&cli.StringFlag{Name: "preferred-chain", Usage: "of several chains take the one to this root: its common `NAME` or SHA-256 fingerprint"},
		&cli.BoolFlag{Name: "must-staple", Usage: "have the certificate say that OCSP answers are stapled to it (RFC 7633)"},
		&cli.StringFlag{Name: "not-before", Usage: "begin at `TIME`, where the CA allows that: 2026-12-31, 2026-12-31T12:00:00Z, or 14d from now"},
		&cli.StringFlag{Name: "not-after", Usage: "end at `TIME`, where the CA allows that"},
	}, answerFlags(domains)...)
}

// namesOf returns the names that are asked for with -d, or else those of the
// certificate request.
func namesOf(c *cli.Context) ([]string, error) {
	if names := c.StringSlice("domain"); len(names) > 0 {
		return acme.ParseNames(strings.Split(strings.Join(names, ","), ","))
	}
	names, _, err := readCSR(c.String("csr"))
	if err != nil {
		return nil, fmt.Errorf("--csr: %w", err)
	}
	return names, nil
}

// details takes from the flags of issue all but the names.
func details(c *cli.Context, ca *config.ACME, r *issuance.Request) (err error) {
	r.ReuseKey, r.MustStaple = c.Bool("reuse-key"), c.Bool("must-staple")
	r.Chain = first(c.String("preferred-chain"), ca.PreferredChain)
	r.Deploy = c.StringSlice("deploy")
	for _, line := range r.Deploy {
		if _, err := hook.Split(line); err != nil {
			return usagef("", "--deploy: %w", err)
		}
	}
	if r.Key, err = parseKeyType(c); err != nil {
		return err
	}
	if err := bringKey(c, r); err != nil {
		return err
	}
	if path := c.String("csr"); path != "" {
		for _, flag := range []string{"key", "private-key", "reuse-key", "must-staple"} {
			if c.IsSet(flag) {
				return usagef("", "--%s and --csr exclude each other: the certificate request says it", flag)
			}
		}
		if err := bringCSR(r, path); err != nil {
			return usagef("", "--csr: %w", err)
		}
	}
	return validity(c, ca, r)
}

// parseKeyType reads --key.
func parseKeyType(c *cli.Context) (issuance.KeyType, error) {
	t := issuance.KeyType(c.String("key"))
	if word, err := keyWord(string(t)); err == nil {
		t = issuance.KeyType(word)
	}
	if t != "" && !slices.Contains(issuance.KeyTypes, t) {
		return "", usagef("", "--key %s: one of %s", t, strings.Join(config.KeyTypes(), ", "))
	}
	return t, nil
}

// bringKey takes the private key of --private-key, which stays the
// certificate's when it is renewed.
func bringKey(c *cli.Context, r *issuance.Request) (err error) {
	path := c.String("private-key")
	if path == "" {
		return nil
	}
	if r.PrivateKey, err = readKey(path); err != nil {
		return usagef("", "--private-key: %w", err)
	}
	t := issuance.KeyTypeOf(r.PrivateKey.Public())
	if r.Key != "" && r.Key != t {
		return usagef("", "--private-key: %s is of type %s, not %s", path, t, r.Key)
	}
	r.Key, r.ReuseKey = t, true
	return nil
}

// settleDeploy lets the commands for a certificate be as they were said before,
// unless they are said anew: then they count also where nothing is to be
// ordered.
func (r *run) settleDeploy(c *cli.Context, renewals []*issuance.Renewal) error {
	for _, w := range renewals {
		kept, err := r.store.LoadRequest(w.Certificate)
		if errors.Is(err, fs.ErrNotExist) || r.entries[w.Certificate] != nil {
			continue
		}
		if err != nil {
			return err
		}
		if !c.IsSet("deploy") {
			w.Deploy = kept.Deploy
			continue
		}
		if kept.Deploy = w.Deploy; kept.Issued == nil {
			continue
		}
		if err := r.store.SaveRequest(kept); err != nil {
			return err
		}
	}
	return nil
}

// bringCSR takes a certificate request, which has to be for the names of r.
func bringCSR(r *issuance.Request, path string) error {
	names, csr, err := readCSR(path)
	if err != nil {
		return err
	}
	if !slices.Equal(slices.Sorted(slices.Values(names)), slices.Sorted(slices.Values(r.Names))) {
		return fmt.Errorf("%s is for %s, but what is asked for is %s", path, strings.Join(names, ", "), strings.Join(r.Names, ", "))
	}
	r.CSR, r.Key = csr.Raw, issuance.KeyTypeOf(csr.PublicKey)
	return nil
}

// readCSR reads a certificate request and the names in it.
func readCSR(path string) ([]string, *x509.CertificateRequest, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	csr, err := issuance.ReadCSR(text)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	names, err := acme.ParseNames(acme.Names(csr.DNSNames, csr.IPAddresses))
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return names, csr, nil
}

// validity reads when the certificate is to begin and end.
func validity(c *cli.Context, ca *config.ACME, r *issuance.Request) (err error) {
	if r.NotBefore, err = instant(c, "not-before"); err != nil {
		return err
	}
	if r.NotAfter, err = instant(c, "not-after"); err != nil {
		return err
	}
	begin := time.Now()
	if !r.NotBefore.IsZero() {
		begin = r.NotBefore
	}
	switch asked := !r.NotBefore.IsZero() || !r.NotAfter.IsZero(); {
	case asked && !config.DirectoryOf(ca.URL()).Validity:
		return usagef("some CAs have profiles for it: --profile", "%s decides by itself when certificates begin and end", ca.Directory)
	case !r.NotAfter.IsZero() && !r.NotAfter.After(begin):
		return usagef("", "--not-after is before the certificate begins")
	}
	return nil
}

// instant reads a time: a date, a date with time, or how far it is away.
func instant(c *cli.Context, flag string) (time.Time, error) {
	word := c.String(flag)
	if word == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, word); err == nil {
			return t, nil
		}
	}
	away, err := parseDays(word)
	if err != nil {
		return time.Time{}, usagef("", "--%s %s: a time is expected, like 2026-12-31, 2026-12-31T12:00:00Z or 14d", flag, word)
	}
	return time.Now().Add(away), nil
}
