package route53

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"certctl/dns01"
	"certctl/dns01/guard"
)

// source is a place where a key may be. The error is errNone where there is
// nothing to be found, so that the next one is looked at.
type source func(context.Context) (*keys, error)

var errNone = errors.New("there is none")

// early is how long before its end a temporary key is replaced.
const early = 2 * time.Minute

// keyring keeps the key that is in use.
type keyring struct {
	find source
	turn guard.Turn // to use what follows
	keys *keys
}

// Prepare implements dns01.Preparer: it finds the key.
func (k *keyring) Prepare(ctx context.Context) error {
	_, err := k.get(ctx)
	return err
}

// Censor implements dns01.Censor.
func (k *keyring) Censor(text string) string {
	_ = k.turn.Take(context.Background())
	defer k.turn.Give()
	if k.keys == nil {
		return text
	}
	return guard.Censor(text, k.keys.secrets()...)
}

// get returns a key that is good for a while.
func (k *keyring) get(ctx context.Context) (*keys, error) {
	if err := k.turn.Take(ctx); err != nil {
		return nil, err
	}
	defer k.turn.Give()
	if k.keys != nil && (k.keys.expires.IsZero() || time.Until(k.keys.expires) > early) {
		return k.keys, nil
	}
	found, err := k.find(ctx)
	if err != nil {
		return nil, err
	}
	k.keys = found
	return found, nil
}

// sources returns where the key of a configuration is: there itself, or in the
// first of Amazon's places that has one; and then in the role, if there is one.
func sources(c Config, env dns01.Environment) source {
	s := site{config: c, env: env}
	base := s.configured
	if c.AccessKeyID == "" {
		base = s.first(s.environment, s.sharedFile, s.webIdentity, s.container, s.machine)
	}
	if c.RoleARN == "" {
		return base
	}
	return func(ctx context.Context) (*keys, error) {
		k, err := base(ctx)
		if err != nil {
			return nil, err
		}
		return s.assumeRole(ctx, k)
	}
}

// site is where keys are looked for.
type site struct {
	config Config
	env    dns01.Environment
}

// first returns the source that is the first of these to have something. A named
// profile is looked for in the files only.
func (s site) first(sources ...source) source {
	return func(ctx context.Context) (*keys, error) {
		if s.config.Profile != "" {
			sources = []source{s.sharedFile}
		}
		for _, find := range sources {
			if k, err := find(ctx); !errors.Is(err, errNone) {
				return k, err
			}
		}
		return nil, &NoKeyError{Profile: s.config.Profile}
	}
}

// NoKeyError says that there is no key in any of the places.
type NoKeyError struct{ Profile string }

func (e *NoKeyError) Error() string {
	if e.Profile != "" {
		return fmt.Sprintf("the shared files have no key in the profile %s", e.Profile)
	}
	return "no key for Amazon is found: not in the environment, the shared files, a web identity, the container or the machine"
}

// Hint says how to give one.
func (e *NoKeyError) Hint() string {
	return "set access_key_id: and secret_access_key: {file: …}, or profile:"
}

func (s site) configured(ctx context.Context) (*keys, error) {
	secret, err := s.config.SecretAccessKey.Reveal(ctx)
	if err != nil {
		return nil, fmt.Errorf("secret_access_key: %w", err)
	}
	k := &keys{id: s.config.AccessKeyID, secret: secret}
	if !s.config.SessionToken.IsZero() {
		if k.token, err = s.config.SessionToken.Reveal(ctx); err != nil {
			return nil, fmt.Errorf("session_token: %w", err)
		}
	}
	return k, nil
}

func (s site) environment(context.Context) (*keys, error) {
	k := &keys{
		id: s.env.Variable("AWS_ACCESS_KEY_ID"), secret: s.env.Variable("AWS_SECRET_ACCESS_KEY"),
		token: s.env.Variable("AWS_SESSION_TOKEN"),
	}
	if k.id == "" || k.secret == "" {
		return nil, errNone
	}
	return k, nil
}

// readOptional reads a file that need not be there.
func readOptional(name string) (string, error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	return string(text), err
}
