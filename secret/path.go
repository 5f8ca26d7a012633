package secret

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// Path is a path in the configuration: relative to the configuration file's
// directory, once SetDir was called.
type Path string

// SetDir makes a relative path relative to dir.
func (p *Path) SetDir(dir string) {
	if *p != "" && !filepath.IsAbs(string(*p)) {
		*p = Path(filepath.Join(dir, string(*p)))
	}
}

// Warnings says, in words, what is unsafe about where the secret comes from:
// a file that others than its owner and group can read. Group-readable files
// are left alone, because root:group 0640 is how keys are shared on purpose.
func (s Secret) Warnings() []string {
	if s.source != fromFile {
		return nil
	}
	return Exposed(s.place)
}

// Exposed returns a warning when everybody can read or change the file at path,
// and nothing when it is well kept, cannot be looked at, or on Windows, where
// the mode does not tell.
func Exposed(path string) []string {
	info, err := os.Stat(path)
	if err != nil || runtime.GOOS == "windows" {
		return nil
	}
	mode := info.Mode().Perm()
	switch {
	case !info.Mode().IsRegular():
		return nil
	case mode&0o002 != 0:
		return []string{fmt.Sprintf("everybody can change %s (mode %04o): chmod 600 %s", path, mode, path)}
	case mode&0o004 != 0:
		return []string{fmt.Sprintf("everybody can read %s (mode %04o): chmod 600 %s", path, mode, path)}
	}
	return nil
}
