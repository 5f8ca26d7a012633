//go:build unix

package exec

import (
	"os/exec"
	"syscall"
)

// group puts a command and all that it starts into a process group, so that a
// shell's children are interrupted with it.
func group(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGINT) }
}

// killGroup ends what is left of a command that was interrupted.
func killGroup(c *exec.Cmd) {
	if c.Process != nil {
		_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
	}
}
