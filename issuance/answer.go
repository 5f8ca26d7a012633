package issuance

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"certctl/acme"
	"certctl/http01"
	"certctl/store"
	"certctl/tlsalpn01"
)

// Answer is how the CA gets its answer about one name from us: we listen, or
// files are where a web server serves them.
type Answer struct {
	Name      string
	Challenge acme.ChallengeType
	Webroot   string   // "" where we listen
	Addresses []string // where we listen
}

// answered returns how the CA gets its answer about a name, if not by a record.
func (j *job) answered(z *acme.Authorization) (a Answer, direct bool) {
	if z.Challenge == nil {
		return a, false
	}
	return j.Answer(z.Name(), z.Challenge.Type)
}

// Answer returns how the CA gets its answer about a name where it is proven by a
// type of challenge, if that is not by a record.
func (r *Request) Answer(name string, t acme.ChallengeType) (a Answer, direct bool) {
	a = Answer{Name: name, Challenge: t}
	webroot := cmp.Or(r.Webroots[name], r.Webroot)
	switch {
	case t == acme.HTTP01 && webroot != "":
		a.Webroot = webroot
	case t == acme.HTTP01:
		a.Addresses = orElse(r.HTTP, ":80")
	case t == acme.TLSALPN01:
		a.Addresses = orElse(r.TLSALPN, ":443")
	default:
		return a, false
	}
	return a, true
}

func orElse(words []string, otherwise string) []string {
	if len(words) == 0 {
		return []string{otherwise}
	}
	return words
}

// answers returns how the CA gets its answers about the names of a job that no
// record proves.
func (j *job) answers() []Answer {
	var answers []Answer
	for _, z := range j.pending {
		if a, direct := j.answered(z); direct {
			answers = append(answers, a)
		}
	}
	return answers
}

// door is where CAs get answers: at certain addresses, or below a document root.
type door struct {
	Answer // all but the name
	jobs   []*job
	authzs []*acme.Authorization
}

// doors returns those that the batch needs, each once.
func (b *batch) doors() []*door {
	var doors []*door
	for _, j := range b.alive() {
		for _, z := range j.pending {
			a, direct := j.answered(z)
			if !direct {
				continue
			}
			n := slices.IndexFunc(doors, func(d *door) bool {
				return d.Challenge == a.Challenge && d.Webroot == a.Webroot && slices.Equal(d.Addresses, a.Addresses)
			})
			if n < 0 {
				n = len(doors)
				doors = append(doors, &door{Answer: a})
			}
			doors[n].jobs, doors[n].authzs = append(doors[n].jobs, j), append(doors[n].authzs, z)
		}
	}
	return doors
}

// answer opens all doors of the batch, before anything is written to the DNS:
// that a port is taken is better known early.
func (i *Issuer) answer(ctx context.Context, b *batch) {
	for _, d := range b.doors() {
		err := i.open(ctx, b, d)
		for _, j := range d.jobs {
			if j.result.Err == nil {
				b.fail(j, Answering, err)
			}
		}
	}
}

// open opens a door.
func (i *Issuer) open(ctx context.Context, b *batch, d *door) error {
	if d.Challenge == acme.TLSALPN01 {
		s, err := tlsalpn01.Serve(ctx, d.Addresses)
		if err != nil {
			return err
		}
		b.closing = append(b.closing, s.Close)
		for _, j := range d.jobs {
			j.alpn = s
		}
		return nil
	}
	answers, err := d.texts()
	if err != nil {
		return err
	}
	if d.Webroot != "" {
		return i.putFiles(b, d.Webroot, answers)
	}
	s, err := http01.Serve(ctx, d.Addresses, answers)
	if err != nil {
		return err
	}
	b.closing = append(b.closing, s.Close)
	return nil
}

// texts returns what is to be seen behind a door for http-01.
func (d *door) texts() ([]http01.Answer, error) {
	var answers []http01.Answer
	for _, z := range d.authzs {
		text, err := answerText(z)
		if err != nil {
			return nil, err
		}
		a := http01.Answer{Token: z.Challenge.Token, Text: text}
		if !slices.Contains(answers, a) { // one authorization may be in several orders
			answers = append(answers, a)
		}
	}
	return answers, nil
}

// answerText returns what the CA wants to see, or in a rehearsal what stands
// for it.
func answerText(z *acme.Authorization) (string, error) {
	if z.Value != "" {
		return z.Value, nil
	}
	return z.KeyAuthorization()
}

// show shows the answers for tls-alpn-01 of a job until they are hidden: only
// while the CA looks, because a name in two orders has one at a time.
func (j *job) show(ctx context.Context) (hide func(), err error) {
	if j.alpn == nil {
		return func() {}, nil
	}
	var answers []tlsalpn01.Answer
	for _, z := range j.pending {
		if z.Challenge.Type != acme.TLSALPN01 {
			continue
		}
		text, err := answerText(z)
		if err != nil {
			return nil, err
		}
		answers = append(answers, tlsalpn01.Answer{Name: z.Domain, Text: text})
	}
	return j.alpn.Show(ctx, answers)
}

// withdraw closes all doors.
func (i *Issuer) withdraw(b *batch) {
	for _, closeDoor := range b.closing {
		closeDoor()
	}
	if len(b.placed) == 0 {
		return
	}
	if _, err := removePlaced(i.journalFile(), b.placed); err != nil {
		i.tell(Warned{Text: "files are left behind, and in the journal for the next run: " + err.Error()})
	}
}

// putFiles journals the files that are to be below a document root, and then
// writes them. What it has journaled, withdraw removes.
func (i *Issuer) putFiles(b *batch, root string, answers []http01.Answer) error {
	plan, err := http01.Plan(root, answers)
	if err != nil {
		return err
	}
	p := store.Placed{Time: time.Now(), Root: root, Directories: plan.Directories, Files: make(map[string]string)}
	for _, a := range answers {
		p.Files[a.Token] = a.Text
	}
	if err := i.journalFile().AddPlaced(p); err != nil {
		return err
	}
	b.placed = append(b.placed, p)
	i.tell(Placing{Root: root, Files: len(answers)})
	return plan.Write()
}

// SweepFiles removes the files that killed runs left below document roots: those
// in the journal while the caller holds the store's lock. It returns the
// document roots that are clean now.
func SweepFiles(s *store.Store) (clean []string, err error) {
	left, err := s.Journal().Placed()
	if err != nil {
		return nil, err
	}
	return removePlaced(s.Journal(), left)
}

// removePlaced removes files, and strikes what is gone from the journal.
func removePlaced(journal *store.Journal, placed []store.Placed) (clean []string, err error) {
	var gone []store.Placed
	var errs []error
	for _, p := range placed {
		plan := http01.Placement{Root: p.Root, Directories: p.Directories}
		for token, text := range p.Files {
			plan.Files = append(plan.Files, http01.Answer{Token: token, Text: text})
		}
		if err := plan.Remove(); err != nil {
			errs = append(errs, err)
			continue
		}
		gone = append(gone, p)
		clean = append(clean, p.Root)
	}
	if len(gone) > 0 {
		errs = append(errs, journal.RemovePlaced(gone...))
	}
	return clean, errors.Join(errs...)
}
