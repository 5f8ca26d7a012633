package exec

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/libdns/libdns"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/guard"
)

// provider is a dns01.Provider.
type provider struct {
	scope  delegation.Name
	config Config

	turn guard.Turn // to run a command, and to use what follows: hooks are written for clients that call them one at a time

	added  *added         // nil before Prepare
	output map[key]string // of the runs that added, for those that remove
}

// added is what the configuration adds to the environment. Only behind a pointer
// it is safe from fmt, which prints the unexported fields of what it is in.
type added struct {
	variables []string
	secrets   []string
}

// key is a record, for what is remembered about it.
type key struct {
	owner delegation.Name
	value string
}

// Label implements dns01.Labeler.
func (p *provider) Label() string {
	command := p.config.Command
	if p.config.Style == certctl {
		return "exec " + filepath.Base(command[0])
	}
	return fmt.Sprintf("exec %s (%s)", filepath.Base(command[0]), p.config.Style)
}

// Format shows the label for every verb, so that no secret is ever printed.
func (p *provider) Format(f fmt.State, _ rune) { fmt.Fprint(f, p.Label()) }

// Prepare implements dns01.Preparer: it reads the secrets for the environment.
func (p *provider) Prepare(ctx context.Context) error {
	if err := p.turn.Take(ctx); err != nil {
		return err
	}
	defer p.turn.Give()
	return p.load(ctx)
}

func (p *provider) load(ctx context.Context) error {
	if p.added != nil {
		return nil
	}
	var a added
	for name, s := range p.config.Environment {
		value, err := s.Reveal(ctx)
		if err != nil {
			return fmt.Errorf("environment: %s: %w", name, err)
		}
		a.variables = append(a.variables, name+"="+value)
		a.secrets = append(a.secrets, value)
	}
	slices.Sort(a.variables)
	p.added = &a
	return nil
}

// AppendRecords runs the command once for each record.
func (p *provider) AppendRecords(ctx context.Context, zone string, records []libdns.Record) ([]libdns.Record, error) {
	return p.change(ctx, zone, records, false)
}

// DeleteRecords runs the command that removes once for each record.
func (p *provider) DeleteRecords(ctx context.Context, zone string, records []libdns.Record) ([]libdns.Record, error) {
	return p.change(ctx, zone, records, true)
}

func (p *provider) change(ctx context.Context, zone string, records []libdns.Record, remove bool) ([]libdns.Record, error) {
	admitted, err := guard.Admit(p.Label(), p.scope, zone, records)
	if err != nil || len(admitted) == 0 {
		return nil, err
	}
	ctx, attempt := dns01.Attempting(ctx)
	if err := p.turn.Take(ctx); err != nil {
		return nil, attempt.Err(err)
	}
	defer p.turn.Give()
	if err := p.load(ctx); err != nil {
		return nil, attempt.Err(err)
	}
	jobs := make([]job, len(admitted))
	for i, r := range admitted {
		jobs[i] = job{Record: r, remove: remove, left: len(admitted) - i - 1, output: p.output[key{r.Owner, r.Value}]}
		if _, err := p.config.say(jobs[i]); err != nil {
			return nil, attempt.Err(err)
		}
	}
	for _, j := range jobs {
		if err := p.do(ctx, j); err != nil {
			return nil, attempt.Err(err)
		}
	}
	return guard.Done(admitted), nil
}

// do does one job.
func (p *provider) do(ctx context.Context, j job) error {
	spoken, err := p.config.say(j)
	if err != nil {
		return err
	}
	output, err := p.run(ctx, spoken)
	if err != nil {
		return err
	}
	k := key{j.Owner, j.Value}
	if j.remove {
		delete(p.output, k)
	} else if p.config.Style == certbot {
		p.output[k] = output
	}
	return nil
}

// ProbeScope implements dns01.ScopeProber: it cannot be done. The program has keys
// of its own, and no way to say what these can do.
func (p *provider) ProbeScope(context.Context, delegation.Name, delegation.Name) (dns01.Breadth, error) {
	return dns01.Breadth{}, &dns01.UntriedError{Label: p.Label(), Why: "the program has keys of its own, which are not seen from here"}
}
