package values

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"certctl/delegation"
)

const version = 1

// header is the first line of the file.
type header struct {
	Version int    `json:"version"`
	Base    uint32 `json:"base"` // serial of zones that never changed
}

// record is any other line.
type record struct {
	Zone    delegation.Name `json:"zone"`
	Serial  uint32          `json:"serial"`
	Whole   bool            `json:"whole,omitempty"`
	Frame   *Frame          `json:"frame,omitempty"`
	Lapses  time.Time       `json:"lapses,omitzero"`
	Added   []Value         `json:"added,omitempty"`
	Removed []Value         `json:"removed,omitempty"`
}

// step returns the change as what it does to a zone's serial.
func (r *record) step(from uint32) Step {
	return Step{From: from, To: r.Serial, Added: r.Added, Removed: r.Removed, Framed: r.Frame != nil}
}

// VersionError says that the file is of another version of certctl.
type VersionError struct {
	Path    string
	Version int
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("%s: it has version %d, and this certctl knows version %d only", e.Path, e.Version, version)
}

// Hint says what to do.
func (e *VersionError) Hint() string {
	return "run the certctl that wrote it, or move it away: then the server starts without values"
}

// DamagedError says that a line of the file cannot be read, and that it is not one
// of those at the end, as a crash leaves them.
type DamagedError struct {
	Path string
	Line int // from 1
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("%s:%d: the line is damaged, and it is not the last one", e.Path, e.Line)
}

// Hint says what to do.
func (e *DamagedError) Hint() string {
	if e.Line == 1 {
		return "move the file away: then the server starts without values"
	}
	return fmt.Sprintf("what the line says is lost, and the others are kept if you take it out: sed -i.bak %dd %s", e.Line, e.Path)
}

// appendLine adds a line for v.
func appendLine(buf []byte, v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // none of our types can fail
	}
	buf = fmt.Appendf(buf, "%08x ", crc32.ChecksumIEEE(text))
	return append(append(buf, text...), '\n')
}

var errLine = errors.New("the line is damaged")

// parseLine is the opposite of appendLine.
func parseLine(line []byte, v any) error {
	sum, text, ok := bytes.Cut(line, []byte(" "))
	want, err := strconv.ParseUint(string(sum), 16, 32)
	if !ok || len(sum) != 8 || err != nil || crc32.ChecksumIEEE(text) != uint32(want) {
		return errLine
	}
	return json.Unmarshal(text, v)
}

// reading is what a file turned out to hold.
type reading struct {
	header header
	good   int64 // length up to the last good line
	lines  int
}

// read calls each for every record. Lines at the end that are cut off or
// damaged do not count; a damaged one before a good one is an error.
func (r *reading) read(f *os.File, each func(record)) error {
	lines := bufio.NewReaderSize(f, 1<<16)
	damaged := 0
	for number, at := 1, int64(0); ; number++ {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		at += int64(len(line))
		err = r.line(bytes.TrimSuffix(line, []byte("\n")), number, each)
		var other *VersionError
		switch {
		case errors.As(err, &other):
			other.Path = f.Name()
			return other
		case err != nil && damaged == 0:
			damaged = number
		case err == nil && damaged != 0:
			return &DamagedError{f.Name(), damaged}
		case err == nil:
			r.good, r.lines = at, r.lines+1
		}
	}
	if r.lines == 0 {
		return fmt.Errorf("%s: it is not a file of values", f.Name())
	}
	return nil
}

func (r *reading) line(line []byte, number int, each func(record)) error {
	if number == 1 {
		if err := parseLine(line, &r.header); err != nil {
			return err
		}
		if r.header.Version != version {
			return &VersionError{Version: r.header.Version}
		}
		return nil
	}
	var one record
	if err := parseLine(line, &one); err != nil {
		return err
	}
	each(one)
	return nil
}

// replace makes a new file in the place of the old one, in one step, and
// returns its length; 0 if the old one is still there. With a length and an
// error the new one is there, but may be gone after a power failure. Windows
// renames no open file, and over none.
func replace(path string, write func(io.Writer) error) (length int64, err error) {
	dir, name := filepath.Split(path)
	temporary := filepath.Join(dir, "."+name)
	f, err := os.OpenFile(temporary, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return 0, err
	}
	buffered := bufio.NewWriterSize(f, 1<<16)
	err = errors.Join(write(buffered), buffered.Flush(), f.Sync())
	length, seekErr := f.Seek(0, io.SeekCurrent)
	if err = errors.Join(err, seekErr, f.Close()); err != nil {
		return 0, err
	}
	if err := os.Rename(temporary, path); err != nil {
		return 0, err
	}
	return length, syncDir(dir)
}

// syncDir waits until a directory's entries are on the disk. Windows neither
// needs nor allows it.
func syncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
