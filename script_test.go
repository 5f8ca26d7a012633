package main

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"certctl":         main,
		"certctl-stopped": stopped,
	})
}

// TestScripts runs the real program in each script of testdata. A script's
// first command is usually lab: it starts a lab of the script's own, in the
// directory lab, and names its configuration in $CERTCTL_CONFIG. When the
// script ends, the rule of scope is checked for all updates that it caused,
// and that no secret got into the state directory.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                "testdata",
		RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("TZ", "UTC")
			e.Values[sceneKey{}] = newScene(e)
			return nil
		},
		Condition: func(word string) (bool, error) {
			if word == "privileged-ports" {
				return privilegedPorts(), nil
			}
			name, found := strings.CutPrefix(word, "program:")
			if !found {
				return false, fmt.Errorf("unknown condition %s", word)
			}
			return program(name)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			// The world.
			"lab":     startLab,
			"fault":   setFault,
			"lag":     setLag,
			"zone":    editZone,
			"address": nameAddress,
			"key":     addKey,
			"secret":  addSecrets,

			// Its configuration.
			"edit":   editFile,
			"config": addLine,
			"drop":   dropCredential,

			"serve":   serveTLS,
			"service": serveAPI,
			"web":     serveFiles,
			"fetch":   fetch,

			// Running the program.
			"exits":       exits,
			"killed":      killAndRunAgain,
			"interrupted": interrupted,
			"start":       start,
			"shows":       shows,
			"signal":      signalRun,
			"ends":        ends,

			// What has come of it.
			"records":     findRecords,
			"updates":     findUpdates,
			"journal":     findJournal,
			"ca":          findLog,
			"certificate": checkCertificate,
			"json":        checkJSON,
			"capture":     capture,
		},
	})
}

// program is the condition [program:NAME]: it is installed. Where
// CERTCTL_REQUIRE_SERVERS is set, it has to be.
func program(name string) (bool, error) {
	_, err := exec.LookPath(name)
	if err != nil && os.Getenv("CERTCTL_REQUIRE_SERVERS") != "" {
		return false, err
	}
	return err == nil, nil
}

// privilegedPorts is the condition [privileged-ports]: to listen at port 53 takes
// a privilege, as is not so in many containers.
func privilegedPorts() bool {
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_unprivileged_port_start")
	first, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return err == nil && first > 53
}
