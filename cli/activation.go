package cli

import (
	"os"
	"strconv"
	"strings"
)

// firstSocket is the first file descriptor that systemd hands over
// (sd_listen_fds(3)).
const firstSocket = 3

// sockets returns the sockets that systemd has opened for this process.
func (p *Process) sockets() []*os.File {
	if p.Getenv("LISTEN_PID") != strconv.Itoa(os.Getpid()) {
		return nil
	}
	count, _ := strconv.Atoi(p.Getenv("LISTEN_FDS"))
	names := strings.Split(p.Getenv("LISTEN_FDNAMES"), ":")
	var files []*os.File
	for n := range count {
		name := "socket"
		if n < len(names) {
			name = names[n]
		}
		files = append(files, os.NewFile(uintptr(firstSocket+n), name))
	}
	return files
}
