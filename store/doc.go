// Package store keeps what certctl must not forget: accounts, certificates
// with their keys, orders under way, and which validation records are in the
// DNS. The state directory is made for other programs to read, so its layout
// is a format:
//
//	lock                          who works here now: {pid, host, command, since}
//	accounts/CA/account.json      account at a CA: directory, URL, contact, terms
//	accounts/CA/key.pem           its key, written before the CA hears of it
//	accounts/CA/next-key.pem      the key that the CA may have by now: a key rollover was cut off
//	certificates/NAME.json        what was asked for, so that it can be renewed
//	orders/NAME.json              an order under way: its URL and the private key
//	archive/NAME/SERIAL/          one issued certificate, never changed afterwards:
//	    privkey.pem                 private key, PKCS #8; none where a certificate request was brought along
//	    cert.pem                    the certificate
//	    chain.pem                   the rest of its chain
//	    fullchain.pem               both
//	live/NAME                     symbolic link to the newest directory in archive
//	labels.key                    what the labels of certctl delegate --labels random are made from
//	journal.jsonl                 validation records that are, or may be, in the DNS
//	placed.json                   files that are, or may be, below a web server's document root
//
// CA is the directory URL's host, port and path with other characters than
// letters, digits, dots and hyphens as underscores. NAME is the user's name for
// a certificate or its first domain without "*.": lower-case letters, digits,
// dots, hyphens and underscores. SERIAL is the certificate's serial number in
// hexadecimal, with -2 after it where another CA has used it before. JSON files
// carry a version, now 1; a higher one is an error.
//
// Directories have mode 0700, certificates 0644, everything else 0600.
//
// A server that reads live/NAME/privkey.pem and live/NAME/fullchain.pem finds a
// key and a certificate that belong together, because the link to both is
// replaced in one step. A program that reads them one after the other while
// this happens should resolve the link once, as LoadCertificate does.
//
// Whoever writes holds the lock. A crash, also of the machine, leaves each file
// as it was before or as it was to become. Names that start with a dot are
// temporary: a crash may leave them, and the same write, done again, uses them.
//
// Each line of the journal is the JSON of an Entry. An entry is added, and on
// the disk, before its record is sent to a name server; it is taken out when the
// record is gone. What the journal holds while nobody holds the lock has to be
// removed from the DNS. A line that cannot be read was being written in a crash,
// before its record was sent, and does not count.
//
// On Windows, where replacing a link takes two steps and making one takes a
// privilege, live/NAME is absent for a moment while it is switched; without the
// privilege it is a copy of the directory in archive.
package store
