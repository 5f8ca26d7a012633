package config

import (
	"errors"
	"path/filepath"
	"time"

	"certctl/secret"
)

// Metrics says where monitoring finds numbers about the certificates.
type Metrics struct {
	// TextFile is a file for Prometheus' node_exporter, in the directory of its
	// textfile collector, with a name that ends in .prom. It is written at the
	// end of each run of issue and renew. Default: none.
	TextFile secret.Path `yaml:"textfile"`
}

func (m *Metrics) check(at place) {
	if m.TextFile != "" && filepath.Ext(string(m.TextFile)) != ".prom" {
		at.problem("textfile", "textfile: a name that ends in .prom is expected: node_exporter reads no other")
	}
}

// Log says how lines about the work are written.
type Log struct {
	// Format is how lines are written that are not for a terminal: plain for
	// people, text for key=value pairs, json for one JSON object a line.
	Format string `yaml:"format" default:"plain" enum:"plain,text,json"`
}

// Renew says how "certctl renew" does its work.
type Renew struct {
	// Delay is how long to wait at most, at random, before anything is done, when
	// nobody looks on: so that not all hosts come at the same second. none does
	// not wait. Default: 8m.
	Delay *Delay `yaml:"delay"`
}

// defaultDelay is that of certbot, which CAs have asked for.
const defaultDelay = 8 * time.Minute

// LongestDelay returns how long a run waits at most.
func (r Renew) LongestDelay() time.Duration {
	if r.Delay == nil {
		return defaultDelay
	}
	return time.Duration(*r.Delay)
}

// Delay is a duration that may be none.
type Delay time.Duration

// UnmarshalText reads a delay.
func (d *Delay) UnmarshalText(text []byte) error {
	if string(text) == "none" {
		*d = 0
		return nil
	}
	duration, err := time.ParseDuration(string(text))
	if err != nil || duration < 0 || duration > 12*time.Hour {
		return errors.New("none or a duration is expected, like 90s or 8m, of 12h at most")
	}
	*d = Delay(duration)
	return nil
}

// MarshalText returns the delay as it is written.
func (d Delay) MarshalText() ([]byte, error) {
	if d == 0 {
		return []byte("none"), nil
	}
	return []byte(time.Duration(d).String()), nil
}
