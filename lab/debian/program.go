package debian

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// find returns the path of a program from one of Debian's packages. /usr/sbin
// is not on everybody's path.
func find(t testing.TB, binary, pkg string) string {
	t.Helper()
	for _, name := range []string{binary, "/usr/sbin/" + binary} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	without(t, fmt.Sprintf("%s is not installed (apt-get install %s)", binary, pkg))
	return ""
}

// without ends a test that cannot have a server which it needs.
func without(t testing.TB, message string) {
	t.Helper()
	if os.Getenv("CERTCTL_REQUIRE_SERVERS") != "" {
		t.Fatal(message)
	}
	t.Skip(message)
}
