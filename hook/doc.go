// Package hook runs the user's commands: to deploy a certificate that is new,
// and before and after a run that has something to do.
//
// # Commands
//
// A command is a line that is split into words as a shell would split it, but
// run without a shell: nothing in it is expanded. What only a shell can do (|, &&,
// >, $NAME) is refused when the configuration is read. Who wants a shell asks
// for it:
//
//	sh -c 'cat "$CERTCTL_DIR"/*.pem >/etc/haproxy/site.pem && systemctl reload haproxy'
//
// A command has no input. What it prints goes to stderr. It runs in the
// directory that certctl was started in, which is / for most timers.
//
// # Environment
//
// A command gets PATH, HOME and a few more harmless variables of ours and no
// others, so that neither a secret of the configuration nor one of the user's is
// in it: what it needs besides, it has to get by itself. Besides it gets, for
// deploy:
//
//	CERTCTL_HOOK         deploy
//	CERTCTL_CERTIFICATE  the certificate's name
//	CERTCTL_NAMES        its names, separated by blanks
//	CERTCTL_DIR          directory of privkey.pem, cert.pem, chain.pem and fullchain.pem
//	RENEWED_DOMAINS      the same as CERTCTL_NAMES, as certbot has it
//	RENEWED_LINEAGE      the same as CERTCTL_DIR, as certbot has it
//
// for pre:
//
//	CERTCTL_HOOK          pre
//	CERTCTL_CERTIFICATES  names of the certificates that are due
//
// and for post:
//
//	CERTCTL_HOOK     post
//	CERTCTL_RENEWED  names of the certificates that are new
//	CERTCTL_FAILED   names of those that were due and could not be had
//	RENEWED_DOMAINS  all names in the new certificates, as certbot has it
//	FAILED_DOMAINS   all names in those that failed, as certbot has it
//
// A list that is too long for an environment variable is cut, at a blank, to
// 100,000 bytes. There may be more variables one day.
//
// # When, and what follows
//
// pre runs once before anything is ordered or deployed, and not at all when
// nothing is due. If it fails, nothing is ordered or deployed in this run. post
// runs once after everything, also after a failure or an interrupt.
//
// deploy runs for each certificate that is new, one command after the other
// until one fails. A command that fails or takes too long (5 minutes, if not
// configured otherwise) is run again in every later run, with those before it,
// until all have exited with 0: commands have to bear being run twice. The
// failure of one certificate's commands does not touch another's.
//
// At the end of its time, and on Ctrl-C, a command and what it has started gets
// an interrupt, and ten seconds later it is killed.
package hook
