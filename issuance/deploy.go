package issuance

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"certctl/hook"
	"certctl/install"
	"certctl/store"
)

// Deployment is what is done with a certificate that is new: copies are made,
// then commands run.
type Deployment struct {
	Certificate string
	Copies      []install.Copy
	Commands    []string
}

// Pending reports whether it is still to be done, or again: because the
// certificate is new, or something has failed, or what is to be done has
// changed.
func (d *Deployment) Pending(r *store.Request) bool {
	if r == nil || r.Issued == nil || len(d.Copies)+len(d.Commands) == 0 {
		return false
	}
	return r.Deployed != d.fingerprint(r.Issued.Serial)
}

// fingerprint stands for a certificate and what was done with it. No secret
// goes into it.
func (d *Deployment) fingerprint(serial string) string {
	text, err := json.Marshal([]any{serial, d.Copies, d.Commands})
	if err != nil {
		panic(err) // plain structs only
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Assume remembers in r that it is done: the certificate has come here from
// where it was in use.
func (d *Deployment) Assume(r *store.Request) { r.Deployed = d.fingerprint(r.Issued.Serial) }

// Run makes the copies and runs the commands, one after the other until one
// fails. That they are done is remembered only when all are. The store is
// locked by the caller.
func (d *Deployment) Run(ctx context.Context, s *store.Store, hooks hook.Runner) error {
	r, err := s.LoadRequest(d.Certificate)
	if err != nil {
		return err
	}
	live, err := s.LoadCertificate(d.Certificate)
	if err != nil {
		return err
	}
	failure := d.do(ctx, live, r, hooks)
	r.Deploy, r.Undeployed = d.Commands, failure != nil
	if failure != nil {
		r.Deployed, r.DeployError = "", failure.Error()
		return errors.Join(fmt.Errorf("%s: %w", d.Certificate, failure), s.SaveRequest(r))
	}
	r.Deployed, r.DeployError = d.fingerprint(r.Issued.Serial), ""
	return s.SaveRequest(r)
}

func (d *Deployment) do(ctx context.Context, live *store.Certificate, r *store.Request, hooks hook.Runner) error {
	for _, c := range d.Copies {
		if err := c.Make(ctx, live); err != nil {
			return fmt.Errorf("install: %w", err)
		}
	}
	variables := deployVariables(live, r.Names)
	for _, command := range d.Commands {
		if err := hooks.Run(ctx, command, variables); err != nil {
			return fmt.Errorf("deploy: %w", err)
		}
	}
	return nil
}

// deployVariables tells a command about the certificate: in our own words, and
// in those of certbot's deploy hooks.
func deployVariables(live *store.Certificate, names []string) []string {
	dir, err := filepath.Abs(live.Dir)
	if err != nil {
		dir = live.Dir
	}
	return []string{
		"CERTCTL_HOOK=deploy",
		"CERTCTL_CERTIFICATE=" + live.Name,
		hook.List("CERTCTL_NAMES", names),
		"CERTCTL_DIR=" + dir,
		hook.List("RENEWED_DOMAINS", names),
		"RENEWED_LINEAGE=" + dir,
	}
}
