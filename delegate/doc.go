// Package delegate works out how a validation record is delegated: the records
// that the owner of the main zone must add, so that _acme-challenge leads to a
// zone where a key may write that can write nowhere else.
//
// A Plan is made of names and of where to delegate them: by CNAME into one
// zone, with a label for each name, or by NS to name servers, where each
// challenge name is then a zone of its own. In place of both, a plan can be of
// TXT records that stay and need no delegation. It needs no DNS. Survey asks what
// there is already, and finds the zone in which each record belongs; Watch
// waits until the records are there, and checks that they lead where they
// should. The plan is written as a zone file, as input of nsupdate, or for
// Terraform.
//
// Implemented: RFC 1034 §4.2.1 (glue), RFC 8555 §8.4 (the challenge name),
// RFC 8657 (accounturi and validationmethods), RFC 8659 (CAA).
package delegate
