package cli

import (
	"fmt"

	"github.com/urfave/cli/v2"
)

// The program completes itself: called with --generate-bash-completion after
// the words so far, it prints the candidates.
const (
	bashCompletion = `_certctl() {
  local words=("${COMP_WORDS[@]:0:$COMP_CWORD}") current="${COMP_WORDS[$COMP_CWORD]}" out
  if [[ $current == -* ]]; then
    out=$("${words[@]}" "$current" --generate-bash-completion 2>/dev/null)
  else
    out=$("${words[@]}" --generate-bash-completion 2>/dev/null)
  fi
  COMPREPLY=($(compgen -W "$out" -- "$current"))
}
complete -o default -F _certctl certctl
`
	zshCompletion = `#compdef certctl
_certctl() {
  local -a out
  local current=${words[CURRENT]}
  if [[ $current == -* ]]; then
    out=("${(@f)$(${words[1,CURRENT-1]} $current --generate-bash-completion 2>/dev/null)}")
  else
    out=("${(@f)$(${words[1,CURRENT-1]} --generate-bash-completion 2>/dev/null)}")
  fi
  if [[ -n $out[1] ]]; then compadd -- ${out%%:*}; else _files; fi
}
compdef _certctl certctl
`
)

func (p *Process) completionCommand() *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print the completion script of a shell: bash, zsh or fish",
		ArgsUsage: "bash|zsh|fish",
		UsageText: "source <(certctl completion bash)",
		Action:    p.completion,
	}
}

func (p *Process) completion(c *cli.Context) error {
	switch shell := c.Args().First(); shell {
	case "bash":
		fmt.Fprint(p.Stdout, bashCompletion)
	case "zsh":
		fmt.Fprint(p.Stdout, zshCompletion)
	case "fish":
		script, err := c.App.ToFishCompletion()
		if err != nil {
			return err
		}
		fmt.Fprint(p.Stdout, script)
	default:
		return usagef("certctl completion bash", "completion is for bash, zsh or fish, not %q", shell)
	}
	return nil
}
