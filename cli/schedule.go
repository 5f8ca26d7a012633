package cli

import (
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"certctl/config"
	"certctl/store"
)

// serviceUnit renews once. The state directory and the secrets are given by
// systemd, so that the service can do without most of the system.
const serviceUnit = `# /etc/systemd/system/certctl.service
[Unit]
Description=Renew certificates
Documentation=man:certctl(1)
Wants=network-online.target
After=network-online.target nss-lookup.target

[Service]
Type=oneshot
ExecStart=%s%s renew -q --no-delay
# Secrets: {credential: NAME} in the configuration, and here
# LoadCredential=NAME:/etc/certctl/NAME
StateDirectory=certctl
StateDirectoryMode=0700
NoNewPrivileges=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectSystem=strict
ProtectHome=read-only
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
# Where else the configuration has files written. Its commands may need more.
%s
# /etc/systemd/system/certctl.timer
[Unit]
Description=Renew certificates twice a day

[Timer]
OnCalendar=*-*-* 00,12:00:00
RandomizedDelaySec=12h
Persistent=yes

[Install]
WantedBy=timers.target
`

func (p *Process) systemdCommand() *cli.Command {
	return &cli.Command{
		Name:   "systemd",
		Usage:  "print a service and a timer that renew",
		Action: p.systemd,
	}
}

func (p *Process) systemd(c *cli.Context) error {
	program, flag, err := p.invocation(c)
	if err != nil {
		return err
	}
	written, err := p.written(c)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.Stdout, serviceUnit, program, flag, written)
	return nil
}

// written returns the lines that let the service write where the configuration
// says.
func (p *Process) written(c *cli.Context) (string, error) {
	if _, err := config.Find(c.String("config"), p.Getenv); err != nil {
		return p.writtenWithout()
	}
	cfg, err := p.load(c)
	if err != nil {
		return "", err
	}
	var dirs []string
	for _, cert := range cfg.Certificates {
		for _, i := range cert.Install {
			_, path := i.What()
			dirs = append(dirs, filepath.Dir(path))
		}
		if cert.HTTP != nil {
			dirs = append(dirs, documentRoots(*cert.HTTP)...)
		}
	}
	dirs = append(dirs, documentRoots(cfg.Defaults.HTTP)...)
	if cfg.Metrics.TextFile != "" {
		dirs = append(dirs, filepath.Dir(string(cfg.Metrics.TextFile)))
	}
	if cfg.State != "" {
		dirs = append(dirs, string(cfg.State))
	}
	return readWritePaths(dirs)
}

// documentRoots returns the webroots of a part of the configuration.
func documentRoots(h config.HTTP) (dirs []string) {
	if h.Webroot != "" {
		dirs = append(dirs, string(h.Webroot))
	}
	for _, dir := range h.Webroots {
		dirs = append(dirs, string(dir))
	}
	return dirs
}

// writtenWithout is written where there is no configuration, or none yet.
func (p *Process) writtenWithout() (string, error) {
	if !p.bare() {
		return "# ReadWritePaths=/etc/haproxy\n", nil
	}
	state := config.DefaultState(p.Getenv)
	kept, err := store.At(state).Requests()
	dirs := []string{state}
	for _, k := range kept {
		if k.Webroot != "" {
			dirs = append(dirs, k.Webroot)
		}
		dirs = slices.AppendSeq(dirs, maps.Values(k.Webroots))
	}
	if err != nil {
		return "", err
	}
	return readWritePaths(dirs)
}

func readWritePaths(dirs []string) (string, error) {
	var lines strings.Builder
	for n, dir := range dirs {
		dir, err := filepath.Abs(dir)
		if err != nil {
			return "", err
		}
		dirs[n] = dir
	}
	slices.Sort(dirs)
	for _, dir := range slices.Compact(dirs) {
		if err := plainPath(dir); err != nil {
			return "", err
		}
		fmt.Fprintf(&lines, "ReadWritePaths=%s\n", dir)
	}
	return lines.String(), nil
}

func (p *Process) cronCommand() *cli.Command {
	return &cli.Command{
		Name:   "cron",
		Usage:  "print a line for cron that renews",
		Action: p.cron,
	}
}

// cron prints a line with a minute of this host's own: CAs are busy on the hour.
func (p *Process) cron(c *cli.Context) error {
	program, flag, err := p.invocation(c)
	if err != nil {
		return err
	}
	host, _ := os.Hostname()
	h := fnv.New32a()
	h.Write([]byte(host + flag))
	sum := h.Sum32()
	fmt.Fprintf(p.Stdout, "# /etc/cron.d/certctl\n%d %d,%d * * * root %s%s renew -q\n",
		1+sum%58, sum/64%12, sum/64%12+12, program, flag)
	return nil
}

// invocation returns what runs this program, and the flag with the path of its
// configuration, if there is one or is to be. Without one root has to be told of
// a state directory that is not its own.
func (p *Process) invocation(c *cli.Context) (program, flag string, err error) {
	if err := noArguments(c); err != nil {
		return "", "", err
	}
	if program, err = os.Executable(); err != nil {
		return "", "", err
	}
	path, err := config.Find(c.String("config"), p.Getenv)
	switch {
	case err != nil && p.bare():
		err := plainPath(program)
		if state := config.DefaultState(p.Getenv); state != config.RootState {
			err = errors.Join(err, plainPath(state))
			program = "/usr/bin/env CERTCTL_STATE=" + state + " " + program
		}
		return program, "", err
	case err != nil:
		path = "/etc/certctl/certctl.yaml"
	}
	if path, err = filepath.Abs(path); err != nil {
		return "", "", err
	}
	return program, " --config " + path, errors.Join(plainPath(program), plainPath(path))
}

// plainPath refuses a path that would have to be quoted.
func plainPath(path string) error {
	if strings.ContainsAny(path, " \t\r\n%\"'\\") {
		return fmt.Errorf("the path %q cannot be written in a unit or a crontab: move it to where no blanks and quotes are", path)
	}
	return nil
}
