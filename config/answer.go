package config

import (
	"certctl/listen"
	"certctl/secret"
)

// HTTP says how http-01 is answered, for which CAs ask at port 80.
type HTTP struct {
	// Listen are addresses to listen at while the CA looks: address:port, an
	// address, :port for all addresses, or fd:3 for a socket from systemd.
	// Default: :80.
	Listen []string `yaml:"listen"`

	// Webroot is the directory that a web server serves as /, relative to this
	// file. The answers are put below it, and nothing is listened at. Default:
	// none.
	Webroot secret.Path `yaml:"webroot"`

	// Webroots are such directories for single domains, where web servers serve
	// several; webroot or listen is for the others. Default: none.
	Webroots map[string]secret.Path `yaml:"webroots"`
}

// TLSALPN says how tls-alpn-01 is answered, for which CAs connect to port 443.
type TLSALPN struct {
	// Listen are addresses to listen at while the CA looks, as for http. Default:
	// :443.
	Listen []string `yaml:"listen"`
}

func (h *HTTP) check(at place) {
	checkListen(at, h.Listen, 80)
	if h.Webroot != "" && len(h.Listen) > 0 {
		at.problem("webroot", "webroot and listen exclude each other")
	}
}

func (t *TLSALPN) check(at place) { checkListen(at, t.Listen, 443) }

// checkListen puts addresses into the form that listen.Open takes.
func checkListen(at place, addresses []string, port int) {
	for n, word := range addresses {
		address, err := listen.Parse(word, port)
		if err != nil {
			at.problem("listen", "listen: %w", err)
		}
		addresses[n] = address
	}
}
