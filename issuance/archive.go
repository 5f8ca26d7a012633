package issuance

// prune removes versions that are too old to be kept.
func (i *Issuer) prune(j *job) {
	if i.Keep == 0 {
		return
	}
	if err := i.Store.Prune(j.Certificate, i.Keep); err != nil {
		i.tell(Warned{Certificate: j.Certificate, Text: "old versions are still there: " + err.Error()})
	}
}
