package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/urfave/cli/v2"

	"certctl/hook"
	"certctl/install"
	"certctl/issuance"
	"certctl/store"
)

func (p *Process) deployCommand() *cli.Command {
	return &cli.Command{
		Name:      "deploy",
		Usage:     "make the copies and run the deploy commands of certificates, without an order",
		UsageText: "certctl deploy            where they have failed, or the configuration has changed\ncertctl deploy web        for the certificate web, done before or not",
		ArgsUsage: "[NAME…]",
		Flags: []cli.Flag{
			noWaitFlag,
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print errors only"},
		},
		Action: p.deploy,
	}
}

func (p *Process) deploy(c *cli.Context) error {
	r, err := p.open(c)
	if err != nil {
		return err
	}
	unlock, err := r.lock(c)
	if err != nil {
		return err
	}
	defer unlock()
	deployments, err := r.deployments(namesGiven(c))
	if err != nil {
		return err
	}
	if len(deployments) == 0 {
		p.say(c, "nothing is to be deployed")
	}
	return r.deployEach(c, deployments)
}

// deployments returns those of the certificates named, or all that are pending.
func (r *run) deployments(names []string) ([]*issuance.Deployment, error) {
	kept, err := r.store.Requests()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if !slices.ContainsFunc(kept, func(k *store.Request) bool { return k.Name == name && k.Issued != nil }) {
			return nil, usagef("certctl list shows those that there are", "there is no certificate %s yet", name)
		}
	}
	if len(names) == 0 {
		return r.pending(kept), nil
	}
	var all []*issuance.Deployment
	for _, k := range kept {
		if slices.Contains(names, k.Name) {
			all = append(all, r.deployment(k))
		}
	}
	return all, nil
}

// pending returns the deployments that are still to be done.
func (r *run) pending(kept []*store.Request) []*issuance.Deployment {
	var pending []*issuance.Deployment
	for _, k := range kept {
		if d := r.deployment(k); d.Pending(k) {
			pending = append(pending, d)
		}
	}
	return pending
}

// deployment returns what is to be done with a certificate: what the
// configuration says, or for one that is not in it what it said.
func (r *run) deployment(k *store.Request) *issuance.Deployment {
	d := &issuance.Deployment{Certificate: k.Name, Commands: k.Deploy}
	cert := r.entries[k.Name]
	if cert == nil {
		return d
	}
	d.Commands = cert.Deploy
	for _, i := range cert.Install {
		what, path := i.What()
		d.Copies = append(d.Copies, install.Copy{
			What: install.What(what), Path: path, Mode: i.Permissions(), Owner: i.Owner, Group: i.Group,
			Password: i.Password, Legacy: i.Legacy,
		})
	}
	return d
}

// deployEach does deployments, each whatever became of the others.
func (r *run) deployEach(c *cli.Context, deployments []*issuance.Deployment) error {
	var errs []error
	for _, d := range deployments {
		if c.Context.Err() != nil {
			break // they stay pending
		}
		errs = append(errs, d.Run(c.Context, r.store, r.runner()))
	}
	return errors.Join(errs...)
}

func (r *run) runner() hook.Runner {
	return hook.Runner{Timeout: r.config.Hooks.Timeout, Out: r.process.output()}
}

// work is what a run has to do.
type work struct {
	due  []issuance.Request // to be ordered
	kept []*store.Request   // what may have to be deployed besides
}

// carryOut orders what is due, deploys what is new, and runs the commands for
// before and after if there is anything to do at all. Monitoring is told in any
// case.
func (r *run) carryOut(c *cli.Context, w work, rep *reporter, order func() error) error {
	return errors.Join(r.orderAndDeploy(c, w, rep, order), r.saveMetrics())
}

func (r *run) orderAndDeploy(c *cli.Context, w work, rep *reporter, order func() error) error {
	names := certificateNames(w.due)
	for _, d := range r.pending(w.kept) {
		names = append(names, d.Certificate)
	}
	if len(names) == 0 {
		return nil
	}
	err := r.pre(c, w)
	if err == nil {
		if len(w.due) > 0 {
			err = r.answering(c, order)
		}
		kept, loadErr := r.kept(names)
		err = errors.Join(err, loadErr, r.deployEach(c, r.pending(kept)))
	}
	return errors.Join(err, r.post(c, w, rep))
}

// kept loads what is kept of certificates, each once. One may not be there yet.
func (r *run) kept(names []string) ([]*store.Request, error) {
	slices.Sort(names)
	var all []*store.Request
	for _, name := range slices.Compact(names) {
		k, err := r.store.LoadRequest(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, k)
	}
	return all, nil
}

// pre runs the commands for before.
func (r *run) pre(c *cli.Context, w work) error {
	variables := []string{"CERTCTL_HOOK=pre", hook.List("CERTCTL_CERTIFICATES", certificateNames(w.due))}
	for _, command := range r.config.Hooks.Pre {
		if err := r.runner().Run(c.Context, command, variables); err != nil {
			return fmt.Errorf("hooks: pre: %w", err)
		}
	}
	return nil
}

// post runs the commands for after, all of them and also after an interrupt.
func (r *run) post(c *cli.Context, w work, rep *reporter) error {
	variables := outcome(w.due, rep)
	var errs []error
	for _, command := range r.config.Hooks.Post {
		if err := r.runner().Run(context.WithoutCancel(c.Context), command, variables); err != nil {
			errs = append(errs, fmt.Errorf("hooks: post: %w", err))
		}
	}
	return errors.Join(errs...)
}

// outcome tells the commands for after what is new and what has failed.
func outcome(due []issuance.Request, rep *reporter) []string {
	var renewed, failed, renewedNames, failedNames []string
	for _, d := range due {
		issued := func(cr *certificateReport) bool { return cr.Certificate == d.Certificate && cr.Status == "issued" }
		if slices.ContainsFunc(rep.certificates, issued) {
			renewed, renewedNames = append(renewed, d.Certificate), append(renewedNames, d.Names...)
		} else {
			failed, failedNames = append(failed, d.Certificate), append(failedNames, d.Names...)
		}
	}
	return []string{
		"CERTCTL_HOOK=post",
		hook.List("CERTCTL_RENEWED", renewed), hook.List("CERTCTL_FAILED", failed),
		hook.List("RENEWED_DOMAINS", renewedNames), hook.List("FAILED_DOMAINS", failedNames),
	}
}

func certificateNames(requests []issuance.Request) []string {
	var names []string
	for _, r := range requests {
		names = append(names, r.Certificate)
	}
	return names
}
