package moving

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"slices"
	"strings"
	"time"

	"certctl/acme"
	"certctl/foreign"
	"certctl/issuance"
	"certctl/store"
)

// Options say how to move.
type Options struct {
	Replace   bool      // accounts that are here already
	KeepPaths bool      // go on writing where the client keeps its certificates
	Now       time.Time // certificates that have ended by then are left out
	Keep      int       // versions of each certificate that are taken along

	Directory string            // of the CA from which the configuration's certificates come; "": that of most of them
	Others    []string          // directories of further CAs that are in the configuration
	Scopes    map[string]string // of the configuration's credentials, with the zone of each
	Names     []string          // of the configuration's certificates
	Hooks     foreign.Hooks     // of the configuration

	// Alias returns the name that aliases (CNAME) at a name lead to.
	Alias func(name string) (target string, err error)

	// Zone returns the apex of the zone that a name is in.
	Zone func(name string) (apex string, err error)
}

// Verdict is what happens to an account or certificate.
type Verdict string

// The verdicts. What is left out has an error instead.
const (
	Add     Verdict = "add"
	Replace Verdict = "replace" // an account
	Present Verdict = "present" // it is here already
)

// Plan is what a move would do.
type Plan struct {
	Directory    string // of the CA from which the configuration's certificates come
	Accounts     []*Account
	Certificates []*Certificate
	Zones        []*Zone
	Hooks        foreign.Hooks // to be added to the configuration
	LeftOut      []*foreign.LeftOut
	Notes        []string

	options Options
	store   *store.Store
}

// Account is an account to take over.
type Account struct {
	*foreign.Account
	Directory string // with # and the name of the account, if it has one here
	Verdict   Verdict
}

// Certificate is a certificate to take over.
type Certificate struct {
	*foreign.Certificate
	Name      string // here
	Directory string // with # and the name of the account, if it has one here
	Request   *store.Request
	Entry     *CertificateEntry // for the configuration; nil where it has or can have none
	Verdict   Verdict
	Notes     []string
}

// New compares what a client keeps with what is here. It writes nothing.
func New(h *foreign.Household, s *store.Store, o Options) (*Plan, error) {
	p := &Plan{LeftOut: h.LeftOut, Notes: h.Notes, Directory: o.Directory, options: o, store: s}
	if p.Directory == "" {
		p.Directory = mostUsed(h)
	}
	if err := p.planAccounts(h); err != nil {
		return nil, err
	}
	for _, c := range h.Certificates {
		planned, err := p.certificate(c)
		if err != nil {
			p.LeftOut = append(p.LeftOut, &foreign.LeftOut{What: "certificate " + c.Name, Err: err})
			continue
		}
		p.Certificates = append(p.Certificates, planned)
	}
	p.planZones()
	for _, c := range p.Certificates {
		p.describe(c)
	}
	p.planHooks(h)
	p.noteOthers()
	return p, nil
}

// planHooks takes the commands around a run over from the certificates that
// come: here they are for a run with any certificate.
func (p *Plan) planHooks(h *foreign.Household) {
	var all foreign.Hooks
	for _, c := range p.Certificates {
		if c.Verdict == Add {
			all.Add(h.Hooks)
			all.Add(c.Hooks)
		}
	}
	p.Hooks.Pre = p.commands("pre", p.options.Hooks.Pre, all.Pre)
	p.Hooks.Post = p.commands("post", p.options.Hooks.Post, all.Post)
}

// commands returns those to be added to the ones that are here: none where that
// are some, among which only their owner knows the place of others.
func (p *Plan) commands(key string, here, theirs []string) []string {
	if len(here) == 0 {
		return theirs
	}
	for _, line := range theirs {
		if !slices.Contains(here, line) {
			p.Notes = append(p.Notes, fmt.Sprintf("the configuration has commands below hooks: %s: already: add %s where it belongs among them", key, line))
		}
	}
	return nil
}

// listed reports whether the CA of a certificate is in the configuration, with
// the account. A new one has all accounts at its CA that certificates need.
func (p *Plan) listed(c *Certificate) bool {
	if p.options.Directory == "" {
		return c.Certificate.Directory == p.Directory
	}
	return c.Directory == p.Directory || slices.Contains(p.options.Others, c.Directory)
}

// noteOthers says which certificates cannot be in the configuration.
func (p *Plan) noteOthers() {
	for _, c := range p.Certificates {
		note := fmt.Sprintf("certificates from %s have no entry in the configuration, which does not have this CA: they are renewed all the same", c.Directory)
		if _, account, named := strings.Cut(c.Directory, "#"); named {
			note += "; an entry below acme: with account: " + account + " is what it lacks"
		}
		if !p.listed(c) && c.Verdict == Add && !slices.Contains(p.Notes, note) {
			p.Notes = append(p.Notes, note)
		}
	}
}

// mostUsed returns the directory from which most certificates come.
func mostUsed(h *foreign.Household) (directory string) {
	uses := map[string]int{}
	for _, c := range h.Certificates {
		if uses[c.Directory]++; uses[c.Directory] > uses[directory] {
			directory = c.Directory
		}
	}
	if directory == "" && len(h.Accounts) > 0 {
		directory = h.Accounts[0].Directory
	}
	return directory
}

func checkDirectory(directory string) error {
	u, err := url.Parse(directory)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("%q is not the https URL of a CA's directory", directory)
	}
	return nil
}

// certificate decides on a certificate; the error says why it is left out.
func (p *Plan) certificate(c *foreign.Certificate) (*Certificate, error) {
	leaf := c.Latest().Leaf()
	if !p.options.Now.Before(leaf.NotAfter) {
		return nil, &EndedError{leaf.NotAfter, c.Domains}
	}
	if err := checkDirectory(c.Directory); err != nil {
		return nil, fmt.Errorf("%s: %w", c.From, err)
	}
	names, err := acme.ParseNames(c.Domains)
	if err != nil {
		return nil, err
	}
	planned := &Certificate{Certificate: c, Directory: p.home(c), Notes: slices.Clone(c.Notes)}
	if planned.Name, err = p.name(c.Name); err != nil {
		return nil, err
	}
	planned.Request = request(c, names)
	planned.Request.Name, planned.Request.Directory = planned.Name, planned.Directory
	if planned.Request.KeyType != c.Key && c.Key != "" {
		planned.Notes = append(planned.Notes, fmt.Sprintf("it was asked for with a key of type %s, which is not known here: it becomes %s", c.Key, planned.Request.KeyType))
	}
	planned.Verdict, err = p.compare(planned)
	return planned, err
}

// EndedError says that a certificate is no longer valid.
type EndedError struct {
	Ended   time.Time
	Domains []string
}

func (e *EndedError) Error() string { return "it ended on " + e.Ended.UTC().Format(time.DateOnly) }

// Hint says how to get a new one.
func (e *EndedError) Hint() string {
	return "certctl issue -d " + strings.Join(e.Domains, " -d ") + " orders a new one"
}

// name returns the name for a certificate here: the client's, without what
// stands for a wildcard or type of key there, unless another has that.
func (p *Plan) name(theirs string) (string, error) {
	short := strings.TrimSuffix(store.Name(strings.TrimPrefix(theirs, "_.")), "_ecc")
	long := strings.ToLower(strings.ReplaceAll(theirs, "*", "_"))
	for _, name := range []string{short, long} {
		if err := store.CheckName(name); err != nil {
			return "", err
		}
		if !slices.ContainsFunc(p.Certificates, func(c *Certificate) bool { return c.Name == name }) {
			return name, nil
		}
	}
	return "", fmt.Errorf("another certificate is called %s too", long)
}

// request returns what is to be remembered of a certificate.
func request(c *foreign.Certificate, names []string) *store.Request {
	leaf := c.Latest().Leaf()
	t := issuance.KeyType(c.Key)
	if !slices.Contains(issuance.KeyTypes, t) {
		t = issuance.KeyTypeOf(leaf.PublicKey)
	}
	r := &store.Request{
		Names: names, KeyType: string(t), Profile: c.Profile, Account: c.Account, Deploy: c.Deploy,
		ReuseKey: c.ReuseKey, Staple: c.Staple, Chain: c.Chain, Created: c.Versions[0].Leaf().NotBefore, Renewed: leaf.NotBefore,
		Issued: &store.Issued{Serial: serial(leaf), NotBefore: leaf.NotBefore, NotAfter: leaf.NotAfter},
	}
	if challenge := c.Proof.Challenge; challenge != "" {
		r.Challenges, r.Webroot, r.Webroots = []string{challenge}, c.Proof.Webroot, c.Proof.Webroots
	}
	if c.Proof.Listen != "" {
		r.HTTP = []string{c.Proof.Listen}
	}
	return r
}

// compare looks whether a certificate of this name is here. One without a
// request is what a move that was cut off has left.
func (p *Plan) compare(c *Certificate) (Verdict, error) {
	live, err := p.store.LoadCertificate(c.Name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	here, requestErr := p.store.LoadRequest(c.Name)
	switch none := errors.Is(requestErr, fs.ErrNotExist); {
	case requestErr != nil && !none:
		return "", requestErr
	case live == nil && none:
		return Add, nil
	case live != nil && none && slices.ContainsFunc(c.Versions, func(v *foreign.Version) bool { return v.Leaf().Equal(live.Leaf) }):
		return Add, nil
	case live != nil && here != nil && (live.Leaf.Equal(c.Latest().Leaf()) || p.moved(c)):
		return Present, nil
	}
	return "", &NameTakenError{c.Name}
}

// moved reports whether a certificate has come here before, and was renewed
// since.
func (p *Plan) moved(c *Certificate) bool {
	versions, err := p.store.Versions(c.Name)
	return err == nil && slices.Contains(versions, serial(c.Latest().Leaf()))
}

func serial(leaf *x509.Certificate) string { return fmt.Sprintf("%x", leaf.SerialNumber) }

// NameTakenError says that there is another certificate of this name here.
type NameTakenError struct{ Name string }

func (e *NameTakenError) Error() string {
	return fmt.Sprintf("there is another certificate %s here", e.Name)
}

// Hint says how to take it all the same.
func (e *NameTakenError) Hint() string {
	return fmt.Sprintf("certctl show %s shows the other; certctl delete %s makes room", e.Name, e.Name)
}

// describe adds what should be known of a certificate.
func (p *Plan) describe(c *Certificate) {
	for _, other := range p.Certificates {
		if other == c {
			break
		}
		if sameNames(other.Request.Names, c.Request.Names) {
			c.note("%s is for the same names: one of them may be enough", other.Name)
		}
	}
	leaf, err := acme.ParseNames(acme.NamesIn(c.Latest().Leaf()))
	if err == nil && !sameNames(leaf, c.Request.Names) {
		c.note("it is for %s, but %s is asked for: renew orders that at once", strings.Join(leaf, ", "), strings.Join(c.Request.Names, ", "))
	}
	switch by := c.Proof.By; by {
	case "nginx", "apache", "webroot", "http-01", "tls-alpn-01":
		if c.Proof.Challenge == "" {
			c.note("it was validated with %s: certctl check says what validation by DNS needs, challenges: [http-01] below it has another way", by)
		}
	}
	if c.Verdict == Present {
		return
	}
	p.entry(c)
}

func sameNames(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}
