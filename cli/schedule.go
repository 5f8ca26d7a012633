package cli

import (
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"certctl/config"
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
ExecStart=%s --config %s renew -q
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
# Deploy commands may need more, for example
# ReadWritePaths=/etc/haproxy

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
	program, path, err := p.invocation(c)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.Stdout, serviceUnit, program, path)
	return nil
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
	program, path, err := p.invocation(c)
	if err != nil {
		return err
	}
	host, _ := os.Hostname()
	h := fnv.New32a()
	h.Write([]byte(host + path))
	sum := h.Sum32()
	fmt.Fprintf(p.Stdout, "# /etc/cron.d/certctl\n%d %d,%d * * * root %s --config %s renew -q\n",
		1+sum%58, sum/64%12, sum/64%12+12, program, path)
	return nil
}

// invocation returns the paths of this program and of its configuration.
func (p *Process) invocation(c *cli.Context) (program, path string, err error) {
	if err := noArguments(c); err != nil {
		return "", "", err
	}
	if program, err = os.Executable(); err != nil {
		return "", "", err
	}
	if path, err = config.Find(c.String("config"), p.Getenv); err != nil {
		path, err = "/etc/certctl/certctl.yaml", nil
	}
	if path, err = filepath.Abs(path); err != nil {
		return "", "", err
	}
	if strings.ContainsAny(program+path, " \t%\"'\\") {
		return "", "", fmt.Errorf("the paths %s and %s cannot be written in a unit or a crontab: move them to where no blanks and quotes are", program, path)
	}
	return program, path, nil
}
