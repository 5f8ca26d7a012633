package hostile

import (
	"context"
	"errors"
	"strings"

	"github.com/miekg/dns"

	"certctl/lab/authority"
)

// Look returns the TXT values at a name. That there are none is no error.
type Look func(ctx context.Context, name string) ([]string, error)

// In looks at the DNS of a world, through its recursive resolver.
func In(w *authority.World) Look {
	resolver := w.Recursor()
	return func(ctx context.Context, name string) ([]string, error) {
		q := new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.TypeTXT)
		m, _, err := w.TCP().ExchangeContext(ctx, q, resolver.Addr().String())
		if err != nil {
			return nil, err
		}
		if m.Rcode != dns.RcodeSuccess && m.Rcode != dns.RcodeNameError {
			return nil, errors.New(dns.RcodeToString[m.Rcode])
		}
		var values []string
		for _, rr := range m.Answer {
			if txt, ok := rr.(*dns.TXT); ok {
				values = append(values, strings.Join(txt.Txt, ""))
			}
		}
		return values, nil
	}
}
