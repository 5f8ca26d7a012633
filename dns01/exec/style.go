package exec

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"certctl/delegation"
	"certctl/dns01"
)

// The dialects.
const (
	certctl    = "certctl"
	certbot    = "certbot"
	dehydrated = "dehydrated"
	acmesh     = "acme.sh"
	lego       = "lego"
	uacme      = "uacme"
)

// job is one record to add or to remove.
type job struct {
	dns01.Record
	remove bool
	left   int    // of the batch, after this one
	output string // of the run that added it, if that was now
}

// call is how a command is called.
type call struct {
	words       []string
	own         int // of the words, those that are the user's
	environment []string
	input       []byte
}

// dialects are the ways in which a job is said.
func dialects() map[string]func(Config, job) (call, error) {
	return map[string]func(Config, job) (call, error){
		certctl:    sayCertctl,
		certbot:    sayCertbot,
		dehydrated: sayDehydrated,
		acmesh:     sayAcmesh,
		lego:       sayLego,
		uacme:      sayUacme,
	}
}

// say returns the call for a job.
func (c Config) say(j job) (call, error) {
	spoken, err := dialects()[c.Style](c, j)
	spoken.environment = append(spoken.environment,
		"CERTCTL_ACTION="+j.choose("present", "cleanup"),
		"CERTCTL_FQDN="+j.Owner.String(),
		"CERTCTL_ZONE="+j.Zone.String(),
		"CERTCTL_NAME="+j.Owner.Relative(j.Zone),
		"CERTCTL_VALUE="+j.Value,
		fmt.Sprintf("CERTCTL_TTL=%d", j.TTL/time.Second))
	return spoken, err
}

// choose returns one of two words.
func (j job) choose(add, remove string) string {
	if j.remove {
		return remove
	}
	return add
}

// with returns a call of a command with further words.
func (c Command) with(words ...string) call {
	return call{words: append(append([]string{}, c...), words...), own: len(c)}
}

func sayCertctl(c Config, j job) (call, error) {
	spoken := c.Command.with(j.choose("present", "cleanup"))
	var err error
	spoken.input, err = json.Marshal(struct {
		FQDN  string `json:"fqdn"`
		Zone  string `json:"zone"`
		Name  string `json:"name"`
		Value string `json:"value"`
		TTL   int64  `json:"ttl"`
	}{j.Owner.String(), j.Zone.String(), j.Owner.Relative(j.Zone), j.Value, int64(j.TTL / time.Second)})
	return spoken, err
}

func sayLego(c Config, j job) (call, error) {
	return c.Command.with(j.choose("present", "cleanup"), j.Owner.String(), j.Value), nil
}

func sayDehydrated(c Config, j job) (call, error) {
	domain, err := domain(c.Style, j.Owner)
	return c.Command.with(j.choose("deploy_challenge", "clean_challenge"), domain, j.Value, j.Value), err
}

func sayUacme(c Config, j job) (call, error) {
	domain, err := domain(c.Style, j.Owner)
	method := j.choose("begin", "done")
	spoken := c.Command.with(method, "dns-01", domain, j.Value, j.Value)
	spoken.environment = []string{
		"UACME_METHOD=" + method, "UACME_TYPE=dns-01", "UACME_IDENT=" + domain,
		"UACME_TOKEN=" + j.Value, "UACME_AUTH=" + j.Value,
	}
	return spoken, err
}

func sayCertbot(c Config, j job) (call, error) {
	domain, err := domain(c.Style, j.Owner)
	spoken := c.Command.with()
	if j.remove {
		spoken = c.Cleanup.with()
	}
	spoken.environment = []string{
		"CERTBOT_DOMAIN=" + domain, "CERTBOT_IDENTIFIER=" + domain,
		"CERTBOT_ALL_DOMAINS=" + domain, "CERTBOT_ALL_IDENTIFIERS=" + domain,
		"CERTBOT_VALIDATION=" + j.Value,
		fmt.Sprintf("CERTBOT_REMAINING_CHALLENGES=%d", j.left),
	}
	if j.remove {
		spoken.environment = append(spoken.environment, "CERTBOT_AUTH_OUTPUT="+j.output)
	}
	return spoken, err
}

var hookFile = regexp.MustCompile(`^dns_[A-Za-z0-9_]+\.sh$`)

// source reads files and calls a function of the last one. Everything that
// comes from elsewhere is an argument, and never read as a command. If the first
// file is acme.sh itself, it prints its help, having got no arguments, and wants
// to be told to read its settings.
const source = `certctl_function=$1 certctl_owner=$2 certctl_value=$3
shift 3
for certctl_file do
	set --
	. "$certctl_file" || exit
	if command -v _initpath; then _initpath; fi
done >/dev/null
"$certctl_function" "$certctl_owner" "$certctl_value"`

func sayAcmesh(c Config, j job) (call, error) {
	function := strings.TrimSuffix(filepath.Base(c.Command[len(c.Command)-1]), ".sh") + j.choose("_add", "_rm")
	words := append([]string{"sh", "-c", source, "sh", function, j.Owner.Bare(), j.Value}, c.Command...)
	return call{words: words, own: len(words)}, nil
}

// domain returns the domain before which a hook puts _acme-challenge. by itself.
func domain(style string, owner delegation.Name) (string, error) {
	domain, found := strings.CutPrefix(owner.Bare(), "_acme-challenge.")
	if !found {
		return "", &OwnerError{Style: style, Owner: owner}
	}
	return domain, nil
}
