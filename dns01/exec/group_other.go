//go:build !unix

package exec

import "os/exec"

// group does nothing: at the end of its time the command is killed.
func group(*exec.Cmd) {}

func killGroup(*exec.Cmd) {}
