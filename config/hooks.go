package config

import (
	"time"

	"certctl/hook"
)

// Hooks are commands to run around a run of issue or renew. They are run
// without a shell: who wants one writes sh -c '…'.
type Hooks struct {
	// Pre are commands to run before anything is ordered or deployed, only when
	// there is something to do. If one fails, nothing is ordered.
	Pre []string `yaml:"pre"`

	// Post are commands to run after everything, also after a failure, only when
	// there was something to do.
	Post []string `yaml:"post"`

	// Timeout is how long each command may run, also those under deploy.
	// Default: 5m.
	Timeout time.Duration `yaml:"timeout"`
}

func (h *Hooks) check(at place) {
	checkCommands(at, "pre", h.Pre)
	checkCommands(at, "post", h.Post)
}

// checkCommands finds lines that cannot be run. The error does not show the
// line: people put tokens there.
func checkCommands(at place, key string, lines []string) {
	for _, line := range lines {
		if _, err := hook.Split(line); err != nil {
			at.problem(key, "%s: %w", key, err)
		}
	}
}
