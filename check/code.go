package check

import "slices"

// Severity says what a finding means for an order.
type Severity string

// The severities.
const (
	Error   Severity = "error"   // an order will fail, or fails with some luck only
	Warning Severity = "warning" // it will work, but something is unwise or could not be seen
	Info    Severity = "info"    // how things are
)

var severities = []Severity{Error, Warning, Info}

// Code names what was found. Codes are stable: scripts may rely on them.
type Code string

// Meaning is a line of the table of codes.
type Meaning struct {
	Code     Code
	Severity Severity
	Text     string
}

var meanings = []Meaning{
	// The way to the owner.
	{"target", Info, "where the validation record of a name goes"},
	{"alias-loop", Error, "aliases go in a circle"},
	{"alias-too-long", Error, "there are more aliases in a row than a CA follows"},
	{"alias-long", Warning, "there are more aliases in a row than some resolvers follow"},
	{"alias-dangling", Error, "an alias leads to a name in a zone that does not exist: whoever sets it up gets certificates"},
	{"alias-wildcard", Warning, "the challenge name is an alias only through a wildcard"},
	{"wildcard-ended", Info, "a record of its own will end the alias that a wildcard makes"},
	{"wildcard-vanish", Warning, "a host exists only through a wildcard, and does not while the validation record is there"},
	{"follow-never", Error, "an alias is configured not to be followed, but CAs follow it"},
	{"follow-elsewhere", Warning, "the record goes to a configured name, but CAs look at another"},
	{"target-shared", Warning, "several names have their validation records at one owner"},
	{"unresolved", Error, "the way to the owner cannot be followed to its end"},
	{"indirect", Warning, "authoritative servers cannot be asked from here, so that resolvers were"},

	// Where CAs come to.
	{"address", Info, "which addresses a name has, to which CAs come"},
	{"address-none", Error, "a name has no address, so that no CA can come to it"},
	{"address-elsewhere", Info, "no address of a name is of this machine: something has to forward what comes there"},
	{"answer-seen", Info, "an answer was put where the CA looks, and was seen there"},
	{"answer-wrong", Error, "another server answers where the CA looks"},
	{"redirected", Warning, "a server sends the CA on to another name, which is not looked at"},
	{"port-open", Info, "a server answers where the CA looks"},
	{"port-closed", Warning, "nobody answers where the CA looks, as far as is seen from here"},
	{"port-taken", Error, "the port for the answer is in use"},
	{"port-untried", Warning, "the port for the answer cannot be had by this user, or not now"},
	{"webroot-unfit", Error, "no file can be written below a webroot"},

	// The credential.
	{"credential", Info, "which credential covers a name"},
	{"credential-none", Error, "no credential covers the place of the record"},
	{"credential-wide", Warning, "a credential covers hosts beside the validation records that it is used for"},
	{"credential-unreadable", Error, "the secret of a credential cannot be read"},
	{"credential-refused", Error, "the server does not accept the key, or takes no updates of the zone"},
	{"credential-unreachable", Error, "the server that takes the updates cannot be asked"},
	{"credential-untried", Info, "the key cannot be tried without writing, and nothing is known of it"},
	{"key-floor", Info, "the key can do more than it has to, but no key of its service can do less"},
	{"key-scoped", Info, "the key can write nothing but validation records where they belong"},
	{"key-broad", Warning, "the key can do more than it has to, and a narrower one could be had"},
	{"key-own-zone", Info, "the key can write all of a zone that is for one validation record only"},
	{"key-unclear", Info, "the server's answers do not show what the key can write"},

	// Records that stay.
	{"persist-stands", Info, "a record lets the CA issue, and nothing need be written"},
	{"persist-new", Info, "no record lets the CA issue yet: an order writes one"},
	{"persist-none", Error, "no record lets the CA issue, and no credential may write one"},
	{"persist-unfit", Warning, "a record for the CA does not let it issue"},
	{"persist-differs", Error, "not every server has the record that lets the CA issue"},
	{"persist-unknown", Warning, "what a record that lets the CA issue has to say is not known"},
	{"persist-ending", Warning, "the record that lets the CA issue is about to end"},

	// Parent and child.
	{"ns-differ", Warning, "the zone and its parent name different servers"},
	{"ns-none", Warning, "the zone names no servers of its own"},
	{"ns-unnamed", Info, "a server answers for the zone although no NS record names it"},
	{"ns-no-address", Warning, "a name server has no address"},
	{"ns-single", Warning, "the zone has fewer than two servers"},
	{"ns-private", Warning, "a name server has an address that nobody on the Internet reaches"},
	{"cut-missing", Error, "a server of the parent does not know the delegation"},
	{"glue-missing", Warning, "a name server inside the zone is delegated to without its address"},
	{"glue-stale", Warning, "the parent gives an address of a name server that the zone itself does not"},

	// Each server.
	{"ns-lame", Warning, "a server does not serve the zone that is delegated to it"},
	{"ns-failing", Warning, "a server of the zone answers with a failure"},
	{"ns-unreachable", Warning, "a server of the zone gives no answer"},
	{"ns-unrouted", Info, "this host has no route to a server's address"},
	{"ns-no-tcp", Warning, "a server does not answer over TCP"},
	{"ns-tcp-needed", Error, "an answer is too long for UDP, and its server does not answer over TCP"},
	{"case-folded", Info, "a server does not keep the case of a question"},
	{"case-sensitive", Error, "a server does not find names in another case"},
	{"no-edns", Info, "a server does not know EDNS"},

	// Zones of our own name server.
	{"zone-undelegated", Error, "the zone above does not delegate a zone of the name server"},
	{"zone-elsewhere", Error, "a zone of the name server is delegated to others"},
	{"negative-wrong", Warning, "a server does not say as it should that there is nothing"},
	{"edns-odd", Warning, "a server answers wrongly to sizes or versions of EDNS"},

	// What the servers have.
	{"records-differ", Error, "servers of one zone say different things about a name on the way"},
	{"txt-present", Info, "there are TXT records at the owner already"},
	{"txt-many", Warning, "there are so many TXT records at the owner that answers get too long"},
	{"txt-beside", Warning, "there are TXT records beside or below a delegation, where they have no effect"},
	{"answer-truncated", Info, "an answer is too long for UDP"},
	{"nxdomain-existing", Warning, "a server says that a name does not exist which does"},

	// Propagation.
	{"serial", Info, "which serial the servers of the zone have"},
	{"serial-differs", Warning, "servers of one zone have different serials"},
	{"negative-ttl", Warning, "that a record is not there is remembered for long"},

	// CAA.
	{"caa-none", Info, "no CAA record binds the CA"},
	{"caa-grants", Info, "a CAA record lets the CA issue"},
	{"caa-forbids", Error, "CAA records forbid the CA to issue"},
	{"caa-account", Warning, "a CAA record lets the CA issue for a certain account, and there is none yet"},
	{"caa-undecided", Info, "there are CAA records, and it is not known by which names the CA goes there"},
	{"caa-unanswered", Error, "no server can say whether there are CAA records, so that the CA must refuse"},
	{"caa-flaky", Warning, "some servers cannot say whether there are CAA records"},
	{"caa-differs", Error, "CAA records let the CA issue at one server and forbid it at another"},
	{"ca-unreachable", Warning, "the CA's directory cannot be read, so that its names are not known"},

	// DNSSEC.
	{"dnssec-secure", Info, "all that leads to the record is signed, and the signatures are good"},
	{"dnssec-insecure", Info, "not all that leads to the record is signed"},
	{"dnssec-bogus", Error, "the chain of trust is broken: validating resolvers answer SERVFAIL"},
	{"dnssec-unknown", Warning, "servers do not say enough to judge the chain of trust"},
	{"dnssec-lapse", Warning, "one server of a signed zone hands out what does not validate"},
	{"dnssec-expiring", Warning, "signatures are about to expire"},
	{"ds-missing", Warning, "a zone of the name server is signed, and the zone above has no DS record for it"},

	// The canary.
	{"canary", Info, "a record was written, seen at every server and removed"},
	{"canary-failed", Error, "a record could not be written, or was not seen at every server"},
	{"canary-left", Error, "a record could not be removed again"},
}

// Codes is the table of all codes, in the order in which things are looked at.
func Codes() []Meaning { return slices.Clone(meanings) }

// Severity returns how severe a code is.
func (c Code) Severity() Severity {
	for _, m := range meanings {
		if m.Code == c {
			return m.Severity
		}
	}
	panic("there is no code " + string(c))
}
