package lab

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// Describe tells what there is and how to use it from another terminal.
func (l *Lab) Describe(w io.Writer) {
	fmt.Fprintf(w, "A throw-away CA and a delegated DNS world, on loopback addresses only.\n\n")
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, "  NAME\tDELEGATED BY\tZONE\tKEY")
	for _, n := range l.names {
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\n", n.domain, n.how, n.zone.name(), n.zone.Key)
	}
	_ = t.Flush()
	fmt.Fprintf(w, `
No key may write in example.com, and each of the others in its one zone only.
The second server of auth.example.net has every change %d ms late.
web.example.com is not delegated, but leads here: --challenge http-01 or tls-alpn-01.

`, late.Milliseconds())
	fmt.Fprintf(t, "  directory\t%s\n", l.Directory)
	fmt.Fprintf(t, "  its TLS root\t%s\n", l.CAFile)
	fmt.Fprintf(t, "  configuration\t%s\n", l.Config)
	fmt.Fprintf(t, "  http-01\t%s\n", l.HTTP)
	fmt.Fprintf(t, "  tls-alpn-01\t%s\n", l.TLSALPN)
	fmt.Fprintf(t, "  resolver\t%s (all DNS servers: port %d)\n", l.Resolver, l.Resolver.Port())
	_ = t.Flush()
	fmt.Fprintf(w, `
In another terminal:

  certctl --config %s issue -d example.com -d '*.example.com' -d www.example.com
`, l.Config)
}
