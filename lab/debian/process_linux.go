package debian

import (
	"os/exec"
	"syscall"
)

// dieWithTest has the kernel end a server whose test process was killed or
// panicked, so that it never ran its cleanups.
func dieWithTest(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
