package route53

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"strings"
)

// sharedFile reads a profile of ~/.aws/credentials or ~/.aws/config.
func (s site) sharedFile(context.Context) (*keys, error) {
	home := s.env.Variable("HOME")
	name := cmp.Or(s.config.Profile, s.env.Variable("AWS_PROFILE"), "default")
	var found map[string]string
	for _, f := range []struct{ file, section string }{
		{cmp.Or(s.env.Variable("AWS_SHARED_CREDENTIALS_FILE"), filepath.Join(home, ".aws", "credentials")), name},
		{cmp.Or(s.env.Variable("AWS_CONFIG_FILE"), filepath.Join(home, ".aws", "config")), "profile " + name},
	} {
		text, err := readOptional(f.file)
		if err != nil {
			return nil, err
		}
		sections := readProfiles(text)
		found = sections[f.section]
		if found == nil && name == "default" {
			found = sections["default"]
		}
		if found["aws_access_key_id"] != "" && found["aws_secret_access_key"] != "" {
			return &keys{id: found["aws_access_key_id"], secret: found["aws_secret_access_key"], token: found["aws_session_token"]}, nil
		}
		for _, other := range []string{"role_arn", "credential_process", "sso_session", "sso_start_url"} {
			if found[other] != "" {
				return nil, fmt.Errorf("%s: the profile %s has no key but %s, which is not followed: name a profile with a key, and role_arn: beside it", f.file, name, other)
			}
		}
	}
	return nil, errNone
}

// readProfiles reads the sections of a shared file.
func readProfiles(text string) map[string]map[string]string {
	sections := make(map[string]map[string]string)
	var section map[string]string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		name, isSection := strings.CutPrefix(line, "[")
		key, value, isPair := strings.Cut(line, "=")
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case isSection:
			section = make(map[string]string)
			sections[strings.TrimSpace(strings.TrimSuffix(name, "]"))] = section
		case isPair && section != nil:
			section[strings.ToLower(strings.TrimSpace(key))] = strings.TrimSpace(value)
		}
	}
	return sections
}
