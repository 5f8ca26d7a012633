package delegate

// Advice says in what the two kinds of delegation differ, and what neither of
// them does; or what a record that stays means.
func (p *Plan) Advice() []string {
	if p.standing != nil {
		return []string{
			"TXT: the record lets the CA issue to this account for as long as it is there, and nothing is written for an order: no credential is needed, and no second zone. Whoever has the key of the account gets certificates for the names: keep it as you would keep theirs.",
			"Remove the record before you give up the account or the names. The records of several CAs and accounts can be side by side.",
		}
	}
	return []string{
		"CNAME: one record for each name leads to a label of its own in one zone, with one set of servers and one key for all names. The name can then hold nothing else, and both zones must answer for a certificate to be issued.",
		"NS: each challenge name is a zone of its own, and its key cannot reach another name even where the server grants nothing narrower than a zone. Each is one more zone to set up and to keep served, and the main zone needs a DS record if it is to be signed.",
		"Delegation does not limit who may issue: whoever writes at the far end gets certificates from any CA, unless CAA records name the CA and the account (--caa). It does not end by itself: remove the records before you give up the zone or the servers that they lead to, or the next owner gets certificates for your names. And a key is only as narrow as its server makes it (--policy).",
	}
}
