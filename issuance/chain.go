package issuance

import "context"

// prefer takes the chain that is preferred in the place of the CA's first. That
// there is none is said, but is no reason to be without a certificate.
func (i *Issuer) prefer(ctx context.Context, j *job) error {
	chain, err := j.order.Prefer(ctx, j.chain, j.Chain)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		i.tell(Warned{Certificate: j.Certificate, Text: err.Error() + "; the first that it offers is kept"})
		return nil
	}
	j.chain = chain
	return nil
}
