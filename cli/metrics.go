package cli

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"certctl/install"
	"certctl/issuance"
	"certctl/store"
)

func (p *Process) metricsCommand() *cli.Command {
	return &cli.Command{
		Name:   "metrics",
		Usage:  "print numbers about the certificates, in the text format of Prometheus",
		Action: p.metrics,
	}
}

func (p *Process) metrics(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	r, err := p.open(c)
	if err != nil {
		return err
	}
	return r.writeMetrics(p.Stdout)
}

// saveMetrics writes the file that the configuration names. Prometheus'
// node_exporter, another user, reads it.
func (r *run) saveMetrics() error {
	path := string(r.config.Metrics.TextFile)
	if path == "" {
		return nil
	}
	var text bytes.Buffer
	if err := r.writeMetrics(&text); err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	if err := install.WriteFile(path, text.Bytes(), 0o644); err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	return nil
}

// metric is one number about each certificate.
type metric struct {
	name, help string
	value      func(*issuance.Renewal) (float64, bool) // false: there is none
}

func (r *run) certificateMetrics() []metric {
	of := func(value func(*store.Request) float64) func(*issuance.Renewal) (float64, bool) {
		return func(w *issuance.Renewal) (float64, bool) {
			if w.Kept == nil {
				return 0, true
			}
			return value(w.Kept), true
		}
	}
	issued := func(value func(*store.Request) time.Time) func(*issuance.Renewal) (float64, bool) {
		return func(w *issuance.Renewal) (float64, bool) {
			if w.Kept == nil || w.Kept.Issued == nil {
				return 0, false
			}
			return float64(value(w.Kept).Unix()), true
		}
	}
	return []metric{
		{"not_before_timestamp_seconds", "When the certificate begins to be valid.", issued(func(k *store.Request) time.Time { return k.Issued.NotBefore })},
		{"not_after_timestamp_seconds", "When the certificate ends.", issued(func(k *store.Request) time.Time { return k.Issued.NotAfter })},
		{"renew_after_timestamp_seconds", "From when on the certificate is renewed.", issued(issuance.RenewAfter)},
		{"last_success_timestamp_seconds", "When the certificate was last ordered.", issued(func(k *store.Request) time.Time { return k.Renewed })},
		{"present", "1 if there is a certificate.", of(func(k *store.Request) float64 { return number(k.Issued != nil) })},
		{"failures", "Attempts to order it that failed since the last success.", of(func(k *store.Request) float64 {
			if k.Failure == nil {
				return 0
			}
			return float64(k.Failure.Count)
		})},
		{"needs_visit", "1 if a person has to go to a page of the CA before it is ordered again.", of(func(k *store.Request) float64 {
			return number(k.Failure != nil && k.Failure.Visit != "")
		})},
		{"undeployed", "1 if copies or deploy commands are still to be done, or have failed.", of(func(k *store.Request) float64 {
			return number(r.deployment(k).Pending(k))
		})},
	}
}

func number(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// writeMetrics writes all numbers in the text format of Prometheus.
func (r *run) writeMetrics(w io.Writer) error {
	all, err := r.everything()
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# HELP certctl_build_info The program that wrote this.\n# TYPE certctl_build_info gauge\ncertctl_build_info{version=%s,go=%s} 1\n",
		label(strings.Trim(strings.Fields(Version())[0], "()")), label(runtime.Version()))
	for _, m := range r.certificateMetrics() {
		fmt.Fprintf(&b, "# HELP certctl_certificate_%s %s\n# TYPE certctl_certificate_%s gauge\n", m.name, m.help, m.name)
		for _, a := range all {
			if value, ok := m.value(a); ok {
				fmt.Fprintf(&b, "certctl_certificate_%s{certificate=%s} %s\n", m.name, label(a.Certificate), strconv.FormatFloat(value, 'f', -1, 64))
			}
		}
	}
	_, err = io.WriteString(w, b.String())
	return err
}

// label quotes the value of a label.
func label(value string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(value) + `"`
}
