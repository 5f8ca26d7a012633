//go:build !linux

package debian

import "os/exec"

func dieWithTest(*exec.Cmd) {}
