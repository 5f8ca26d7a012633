package web

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// A service that is too busy is asked so often in all, and may make us wait so
// long in between: Cloudflare lets nobody in for five minutes. One that does not
// say how long is asked again after a second, and then after pauses that double.
const (
	requests = 6
	patience = 6 * time.Minute
	unsaid   = time.Second
)

// noticed is how long a pause is that users are told of.
const noticed = 2 * time.Second

func (e *StatusError) busy() bool {
	return e.Status == http.StatusTooManyRequests || e.Status == http.StatusServiceUnavailable
}

// pause returns how long to wait for a busy service after so many tries, and
// whether that is worth it. When a service forgets what was asked so far (Reset)
// is worth waiting for too; but one that forgets little by little takes some
// requests long before that.
func (e *StatusError) pause(try int) (time.Duration, bool) {
	pause := unsaid << (try - 1)
	switch {
	case e.RetryAfter >= 0:
		pause = e.RetryAfter
	case 0 <= e.Reset && e.Reset <= patience:
		pause = max(e.Reset, unsaid)
	}
	return pause + rand.N(pause/8+1), try < requests && pause <= patience
}

// comeBack reads a time in one of some fields: seconds from now, seconds since
// 1970, or a date (RFC 9110 §5.6.7). It is less than 0 where there is none.
func comeBack(h http.Header, names ...string) time.Duration {
	for _, name := range names {
		text := h.Get(name)
		if number, err := strconv.ParseUint(text, 10, 33); err == nil {
			return until(number)
		}
		if at, err := http.ParseTime(text); err == nil {
			return max(0, time.Until(at))
		}
	}
	return -1
}

// until reads a number of seconds: from now, or since 1970 where it is as large
// as these are.
func until(seconds uint64) time.Duration {
	if seconds > 1e9 {
		return max(0, time.Until(time.Unix(int64(seconds), 0)))
	}
	return time.Duration(seconds) * time.Second
}

// later says when to try again.
func (e *StatusError) later() string {
	if soonest := max(e.RetryAfter, e.Reset); soonest > 0 {
		return fmt.Sprintf("it is too busy: try again in %v", soonest.Round(time.Second))
	}
	return "it is too busy: try again in a while"
}
