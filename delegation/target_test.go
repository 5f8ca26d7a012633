package delegation

import (
	"testing"

	"certctl/lab/authority"
)

const challenge = Name("_acme-challenge.www.example.com.")

var targets = []struct {
	name  string
	world func(w *authority.World)
	want  string
}{{
	name: "not delegated",
	world: func(w *authority.World) {
		w.Zone("example.com.", `www A 192.0.2.1`, "ns1.example.com.", "ns2.example.com.")
	},
	want: `
		cut com. example.com. ns1.example.com., ns2.example.com.
		_acme-challenge.www.example.com. in example.com.
		primary ns1.example.com.
		server ns1.example.com.
		server ns2.example.com.`,
}, {
	name: "CNAME to another zone, dangling",
	world: func(w *authority.World) {
		w.Zone("example.com.", `_acme-challenge.www CNAME WWW.Auth.Example.NET.`, "ns1.example.com.")
		w.Zone("example.net.", "", "ns1.example.net.")
		w.Zone("auth.example.net.", "", "ns1.example.net.", "ns2.example.net.")
	},
	want: `
		cut com. example.com. ns1.example.com.
		alias _acme-challenge.www.example.com. CNAME www.auth.example.net. in example.com.
		cut net. example.net. ns1.example.net.
		cut example.net. auth.example.net. ns1.example.net., ns2.example.net.
		www.auth.example.net. in auth.example.net.
		primary ns1.example.net.
		server ns1.example.net.
		server ns2.example.net.`,
}, {
	name: "the name is a zone of its own on other servers",
	world: func(w *authority.World) {
		w.Zone("example.com.", "", "ns1.example.com.")
		w.Zone("_acme-challenge.www.example.com.", "", "ns1.example.net.", "ns2.example.net.")
	},
	want: `
		cut com. example.com. ns1.example.com.
		cut example.com. _acme-challenge.www.example.com. ns1.example.net., ns2.example.net.
		_acme-challenge.www.example.com. in _acme-challenge.www.example.com.
		primary ns1.example.net.
		server ns1.example.net.
		server ns2.example.net.`,
}, {
	name: "the name is a zone of its own on the parent's server",
	world: func(w *authority.World) {
		w.Zone("example.com.", "", "ns1.example.com.")
		w.Zone("_acme-challenge.www.example.com.", "", "ns1.example.com.")
	},
	want: `
		cut com. example.com. ns1.example.com.
		cut example.com. _acme-challenge.www.example.com. ns1.example.com.
		_acme-challenge.www.example.com. in _acme-challenge.www.example.com.
		primary ns1.example.com.
		server ns1.example.com.`,
}, {
	name: "its name servers are below it, known by glue alone",
	world: func(w *authority.World) {
		w.Zone("example.com.", "", "ns1.example.com.")
		w.Zone("_acme-challenge.www.example.com.", "", "ns._acme-challenge.www.example.com.")
	},
	want: `
		cut com. example.com. ns1.example.com.
		cut example.com. _acme-challenge.www.example.com. ns._acme-challenge.www.example.com.
		_acme-challenge.www.example.com. in _acme-challenge.www.example.com.
		primary ns._acme-challenge.www.example.com.
		server ns._acme-challenge.www.example.com.`,
}, {
	name: "a sub-domain is a zone, with two levels on one server",
	world: func(w *authority.World) {
		w.Zone("example.com.", "", "ns1.example.com.")
		w.Zone("www.example.com.", "", "ns1.example.com.", "ns2.example.com.")
	},
	want: `
		cut com. example.com. ns1.example.com.
		cut example.com. www.example.com. ns1.example.com., ns2.example.com.
		_acme-challenge.www.example.com. in www.example.com.
		primary ns1.example.com.
		server ns1.example.com.
		server ns2.example.com.`,
}, {
	name: "the whole way from the root on one server",
	world: func(w *authority.World) {
		w.Zone("org.", "", "a.root.")
		w.Zone("example.com.", `_acme-challenge.www CNAME www.example.org.`, "ns1.example.com.")
		w.Zone("example.org.", "", "a.root.")
	},
	want: `
		cut com. example.com. ns1.example.com.
		alias _acme-challenge.www.example.com. CNAME www.example.org. in example.com.
		cut . example.org. a.root.
		www.example.org. in example.org.
		primary a.root.
		server a.root.`,
}, {
	name: "NS-delegated sub-domain with a CNAME inside",
	world: func(w *authority.World) {
		w.Zone("example.com.", "", "ns1.example.com.")
		w.Zone("www.example.com.", `_acme-challenge CNAME www.example.net.`, "ns2.example.com.")
		w.Zone("example.net.", "", "ns1.example.net.")
	},
	want: `
		cut com. example.com. ns1.example.com.
		cut example.com. www.example.com. ns2.example.com.
		alias _acme-challenge.www.example.com. CNAME www.example.net. in www.example.com.
		cut net. example.net. ns1.example.net.
		www.example.net. in example.net.
		primary ns1.example.net.
		server ns1.example.net.`,
}, {
	name: "chain over servers, through a zone on the server of its parent",
	world: func(w *authority.World) {
		w.Zone("example.com.", `_acme-challenge.www CNAME one.sub.example.net.`, "ns1.example.com.")
		w.Zone("example.net.", `two CNAME three.example.com.`, "ns1.example.net.")
		w.Zone("sub.example.net.", `one CNAME two.example.net.`, "ns1.example.net.")
	},
	want: `
		cut com. example.com. ns1.example.com.
		alias _acme-challenge.www.example.com. CNAME one.sub.example.net. in example.com.
		cut net. example.net. ns1.example.net.
		cut example.net. sub.example.net. ns1.example.net.
		alias one.sub.example.net. CNAME two.example.net. in sub.example.net.
		alias two.example.net. CNAME three.example.com. in example.net.
		three.example.com. in example.com.
		primary ns1.example.com.
		server ns1.example.com.`,
}, {
	name: "DNAME above the name",
	world: func(w *authority.World) {
		w.Zone("example.com.", `
			_acme-challenge.www CNAME www.old.example.com.
			old DNAME new.example.net.`, "ns1.example.com.")
		w.Zone("example.net.", "", "ns1.example.net.")
	},
	want: `
		cut com. example.com. ns1.example.com.
		alias _acme-challenge.www.example.com. CNAME www.old.example.com. in example.com.
		alias www.old.example.com. DNAME www.new.example.net. in example.com.
		cut net. example.net. ns1.example.net.
		www.new.example.net. in example.net.
		primary ns1.example.net.
		server ns1.example.net.`,
}, {
	name: "DNAME at the apex",
	world: func(w *authority.World) {
		w.Zone("example.com.", `@ DNAME example.net.`, "ns1.example.net.")
		w.Zone("example.net.", "", "ns1.example.net.")
	},
	want: `
		cut com. example.com. ns1.example.net.
		alias _acme-challenge.www.example.com. DNAME _acme-challenge.www.example.net. in example.com.
		cut net. example.net. ns1.example.net.
		_acme-challenge.www.example.net. in example.net.
		primary ns1.example.net.
		server ns1.example.net.`,
}, {
	name: "CNAME into a domain that nobody has",
	world: func(w *authority.World) {
		w.Zone("example.com.", `_acme-challenge.www CNAME www.nobody.net.`, "ns1.example.com.")
	},
	want: `
		cut com. example.com. ns1.example.com.
		alias _acme-challenge.www.example.com. CNAME www.nobody.net. in example.com.
		www.nobody.net. in net.
		primary ns.net.
		server ns.net.`,
}, {
	name: "wildcard CNAME",
	world: func(w *authority.World) {
		w.Zone("example.com.", `
			* CNAME lb.example.net.
			www A 192.0.2.1`, "ns1.example.com.")
		w.Zone("example.net.", `lb A 192.0.2.1`, "ns1.example.net.")
	},
	want: `
		cut com. example.com. ns1.example.com.
		_acme-challenge.www.example.com. in example.com.
		primary ns1.example.com.
		server ns1.example.com.`,
}, {
	name: "wildcard CNAME for the name, and on from there",
	world: func(w *authority.World) {
		w.Zone("example.com.", `*.www CNAME lb.example.net.`, "ns1.example.com.")
		w.Zone("example.net.", `lb CNAME lb1`, "ns1.example.net.")
	},
	want: `
		cut com. example.com. ns1.example.com.
		alias _acme-challenge.www.example.com. CNAME lb.example.net. by a wildcard in example.com.
		cut net. example.net. ns1.example.net.
		alias lb.example.net. CNAME lb1.example.net. in example.net.
		lb1.example.net. in example.net.
		primary ns1.example.net.
		server ns1.example.net.
		or:
		cut com. example.com. ns1.example.com.
		_acme-challenge.www.example.com. in example.com.
		primary ns1.example.com.
		server ns1.example.com.`,
}, {
	name: "wildcard CNAME that the name above hangs on too",
	world: func(w *authority.World) {
		w.Zone("example.com.", `* CNAME lb.example.net.`, "ns1.example.com.")
		w.Zone("example.net.", "", "ns1.example.net.")
	},
	want: `
		cut com. example.com. ns1.example.com.
		alias _acme-challenge.www.example.com. CNAME lb.example.net. by a wildcard in example.com.
		cut net. example.net. ns1.example.net.
		lb.example.net. in example.net.
		primary ns1.example.net.
		server ns1.example.net.
		or:
		cut com. example.com. ns1.example.com.
		_acme-challenge.www.example.com. in example.com.
		primary ns1.example.com.
		server ns1.example.com.
		warning: www.example.com. seems to exist only through a wildcard (CNAME lb.example.net.): while there is a record at _acme-challenge.www.example.com., it does not, and whatever it names is gone`,
}, {
	name: "wildcard CNAME that leads to another",
	world: func(w *authority.World) {
		w.Zone("example.com.", `*.www CNAME www.example.net.`, "ns1.example.com.")
		w.Zone("example.net.", `* CNAME lb.example.com.`, "ns1.example.net.")
	},
	want: `
		cut com. example.com. ns1.example.com.
		alias _acme-challenge.www.example.com. CNAME www.example.net. by a wildcard in example.com.
		cut net. example.net. ns1.example.net.
		alias www.example.net. CNAME lb.example.com. by a wildcard in example.net.
		lb.example.com. in example.com.
		primary ns1.example.com.
		server ns1.example.com.
		or:
		cut com. example.com. ns1.example.com.
		_acme-challenge.www.example.com. in example.com.
		primary ns1.example.com.
		server ns1.example.com.`,
}, {
	name: "explicit CNAME with a wildcard below it",
	world: func(w *authority.World) {
		w.Zone("example.com.", `
			_acme-challenge.www CNAME www.example.net.
			*._acme-challenge.www CNAME lb.example.net.`, "ns1.example.com.")
		w.Zone("example.net.", "", "ns1.example.net.")
	},
	want: `
		cut com. example.com. ns1.example.com.
		alias _acme-challenge.www.example.com. CNAME www.example.net. in example.com.
		cut net. example.net. ns1.example.net.
		www.example.net. in example.net.
		primary ns1.example.net.
		server ns1.example.net.`,
}, {
	name: "explicit CNAME that says what the wildcard says",
	world: func(w *authority.World) {
		w.Zone("example.com.", `
			* CNAME www.example.net.
			*.www CNAME www.example.net.
			_acme-challenge.www CNAME www.example.net.`, "ns1.example.com.")
		w.Zone("example.net.", "", "ns1.example.net.")
	},
	want: `
		cut com. example.com. ns1.example.com.
		alias _acme-challenge.www.example.com. CNAME www.example.net. in example.com.
		cut net. example.net. ns1.example.net.
		www.example.net. in example.net.
		primary ns1.example.net.
		server ns1.example.net.`,
}, {
	name: "wildcard address that the name above hangs on",
	world: func(w *authority.World) {
		w.Zone("example.com.", `* A 192.0.2.1`, "ns1.example.com.")
	},
	want: `
		cut com. example.com. ns1.example.com.
		_acme-challenge.www.example.com. in example.com.
		primary ns1.example.com.
		server ns1.example.com.
		warning: www.example.com. seems to exist only through a wildcard (192.0.2.1): while there is a record at _acme-challenge.www.example.com., it does not, and whatever it names is gone`,
}, {
	name: "wildcard address below a name that has the same by itself",
	world: func(w *authority.World) {
		w.Zone("example.com.", `
			www A 192.0.2.1
			*.www A 192.0.2.1`, "ns1.example.com.")
	},
	want: `
		cut com. example.com. ns1.example.com.
		_acme-challenge.www.example.com. in example.com.
		primary ns1.example.com.
		server ns1.example.com.`,
}, {
	name: "wildcard address beside a name that has another",
	world: func(w *authority.World) {
		w.Zone("example.com.", `
			* A 192.0.2.1
			*.www A 192.0.2.1
			www A 192.0.2.2`, "ns1.example.com.")
	},
	want: `
		cut com. example.com. ns1.example.com.
		_acme-challenge.www.example.com. in example.com.
		primary ns1.example.com.
		server ns1.example.com.`,
}, {
	name: "wildcard address beside a name that has the same, and a record already",
	world: func(w *authority.World) {
		w.Zone("example.com.", `
			* A 192.0.2.1
			www A 192.0.2.1
			_acme-challenge.www TXT "x"`, "ns1.example.com.")
	},
	want: `
		cut com. example.com. ns1.example.com.
		_acme-challenge.www.example.com. in example.com.
		primary ns1.example.com.
		server ns1.example.com.`,
}, {
	name: "parent and child name different servers",
	world: func(w *authority.World) {
		w.Zone("example.com.", `
			www NS ns1.example.net.
			www NS ns2.example.net.`, "ns1.example.com.")
		w.Zone("www.example.com.", "", "ns2.example.net.", "ns2.example.com.")
		w.Zone("example.net.", "", "ns1.example.net.")
	},
	want: `
		cut com. example.com. ns1.example.com.
		cut example.com. www.example.com. ns1.example.net., ns2.example.net.
		_acme-challenge.www.example.com. in www.example.com.
		primary ns2.example.net.
		server ns1.example.net.
		server ns2.example.com.
		server ns2.example.net.
		warning: zone www.example.com. names the servers ns2.example.com., ns2.example.net., but example.com. delegates it to ns1.example.net., ns2.example.net.: all of them are used`,
}, {
	name: "the parent's servers disagree: one serves the child, unnamed, the other refers",
	world: func(w *authority.World) {
		w.Zone("example.com.", `
			_acme-challenge.www NS ns1.example.net.
			_acme-challenge.www NS ns2.example.net.`, "ns1.example.com.", "ns2.example.com.")
		w.Zone("_acme-challenge.www.example.com.", `@ NS ns1.example.net.`, "ns1.example.net.", "ns1.example.com.")
		w.Zone("example.net.", "", "ns1.example.net.", "ns2.example.net.")
	},
	want: `
		cut com. example.com. ns1.example.com., ns2.example.com.
		cut example.com. _acme-challenge.www.example.com. ns1.example.net.
		_acme-challenge.www.example.com. in _acme-challenge.www.example.com.
		primary ns1.example.net.
		server ns1.example.com.
		server ns1.example.net.
		server ns2.example.net.
		warning: zone _acme-challenge.www.example.com. names the servers ns1.example.net., but example.com. delegates it to ns1.example.net., ns2.example.net.: all of them are used
		warning: ns1.example.com. (@ns1.example.com) answers for zone _acme-challenge.www.example.com. without being named as its server`,
}, {
	name: "a zone between, on other servers",
	world: func(w *authority.World) {
		w.Zone("example.com.", "", "ns1.example.com.", "ns2.example.com.")
		w.Zone("www.example.com.", `
			_acme-challenge NS ns1.example.com.
			_acme-challenge NS ns2.example.net.`, "ns1.example.net.")
		w.Zone("_acme-challenge.www.example.com.", "", "ns1.example.com.")
		w.Zone("example.net.", "", "ns1.example.net.", "ns2.example.net.")
	},
	want: `
		cut com. example.com. ns1.example.com., ns2.example.com.
		cut example.com. _acme-challenge.www.example.com. ns1.example.com.
		_acme-challenge.www.example.com. in _acme-challenge.www.example.com.
		primary ns1.example.com.
		server ns1.example.com.
		server ns2.example.net.
		warning: zone _acme-challenge.www.example.com. names the servers ns1.example.com., but www.example.com. delegates it to ns1.example.com., ns2.example.net.: all of them are used`,
}}

func TestTargets(t *testing.T) {
	for _, test := range targets {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(test.world)
			if got, want := b.show(b.resolve(t, challenge)), text(test.want); got != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
			for _, w := range b.warned {
				t.Errorf("warned of %q", w)
			}
		})
	}
}
