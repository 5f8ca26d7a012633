// Package values keeps the validation records that a name server serves: who
// put each of them there, and until when it stays. They survive a restart, a
// kill -9 and a power failure.
//
// A value belongs to the key that put it. A key removes only its own: where two
// keys put the same text at the same owner name there are two values, and the
// text is served until both are gone.
//
// Every change to a zone raises the zone's serial, also over restarts: it is the
// time in seconds (Unix) where that is higher than the last one, else the last
// one and one. So a server that has lost everything still goes on above what its
// secondaries have, unless there was more than a change a second. The last
// changes of each zone are kept, so that a secondary gets them alone (RFC 1995).
//
// # File
//
// The directory holds values.jsonl and lock. Each line of the file is eight
// hexadecimal digits, the CRC-32 (IEEE) of the rest of the line, a space, and a
// JSON object. The first is the header {"version":1,"base":N}: N is the serial
// of zones that never changed. Each other is one change of a zone:
//
//	{"zone":"auth.example.net.","serial":1763827200,
//	 "added":[{"owner":"www.auth.example.net.","text":"…","key":"web1","expires":"2025-11-22T17:00:00Z"}],
//	 "removed":[…]}
//
// With "whole":true the zone has what is added and nothing else. "frame" is a
// Frame, and "lapses" until when the zone may be answered for unless its primary
// is reached.
//
// Lines are added at the end, and on the disk before anybody hears that the
// change is done; all changes that come while the disk is busy go to it
// together. When most of the file is history it is replaced by a new one, in one
// step. A last line that is cut off was being written in a crash, before anybody
// heard of the change, and does not count; a damaged one before others is an
// error.
package values
