package issuance

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"certctl/hook"
	"certctl/store"
)

// Deploy runs the commands for a certificate that is new, or for which they
// have failed before, one after the other until one fails. That they are done
// is remembered only when all are. What they print goes to out.
func Deploy(ctx context.Context, s *store.Store, name string, out io.Writer) error {
	r, err := s.LoadRequest(name)
	if err != nil || !r.Undeployed {
		return err
	}
	live, err := s.LoadCertificate(name)
	if err != nil {
		return err
	}
	for _, command := range r.Deploy {
		if err := hook.Run(ctx, command, variables(live, r.Names), out); err != nil {
			return fmt.Errorf("%s: deploy: %w", name, err)
		}
	}
	r.Undeployed = false
	return s.SaveRequest(r)
}

// variables tells a command about the certificate: in our own words, and in
// those of certbot's deploy hooks.
func variables(live *store.Certificate, names []string) []string {
	domains := strings.Join(names, " ")
	dir, err := filepath.Abs(live.Dir)
	if err != nil {
		dir = live.Dir
	}
	return []string{
		"CERTCTL_CERTIFICATE=" + live.Name,
		"CERTCTL_NAMES=" + domains,
		"CERTCTL_DIR=" + dir,
		"RENEWED_LINEAGE=" + dir,
		"RENEWED_DOMAINS=" + domains,
	}
}
