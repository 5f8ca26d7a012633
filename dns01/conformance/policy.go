package conformance

import (
	"os/exec"
	"strings"
	"testing"
)

// Posted runs a policy's commands in a shell without a network, and returns what
// each curl would have sent with --data. Variables are "1".
func Posted(t *testing.T, text string, variables ...string) []string {
	t.Helper()
	script := "curl() { for a; do last=$a; done; printf '%s\\0' \"$last\"; }\n"
	for _, v := range variables {
		script += v + "=1\n"
	}
	out, err := exec.Command("sh", "-euc", script+text).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
}
