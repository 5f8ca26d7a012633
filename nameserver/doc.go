// Package nameserver is an authoritative name server that hosts challenge zones
// and nothing else: _acme-challenge names that are delegated to it by NS
// records, and zones that CNAME records lead to. It never recurses.
//
// A Server answers for its zones from three things: the records that every zone
// must have (SOA, NS and the addresses of the servers), the fixed records of the
// configuration, and the values of a values.Store, which are TXT records that
// come and go. It leaves to others who may put values: an UPDATE message (RFC
// 2136) goes to the Updater after its signature was checked, and other ways call
// the store themselves.
//
// Answer is the whole of the DNS as a function from a query to its answer. What
// is around it reads packets, keeps packed answers, holds back floods and closes
// idle connections.
//
// Implemented: RFC 1034 and 1035; RFC 1995, 1996 and 5936 (transfers), RFC 2308
// (negative answers), RFC 4034 and 4035 (signatures, NSEC), RFC 4343 (case), RFC
// 5001 (NSID), RFC 6605 and 6979 (ECDSA), RFC 6891 (EDNS), RFC 7344 (CDS), RFC
// 7766 (TCP), RFC 7873 and 9018 (cookies), RFC 8020 (nothing is below NXDOMAIN),
// RFC 8482 (ANY), RFC 8914 (extended errors), RFC 8945 (TSIG), RFC 9824 (compact
// denial, without the flag CO). There are no wildcards.
package nameserver
