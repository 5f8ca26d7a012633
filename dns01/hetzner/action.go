package hetzner

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"certctl/dns01"
	"certctl/dns01/web"
)

// action is what the service does after it has answered.
type action struct {
	ID     int64
	Status string // running, success or error
	Error  struct{ Code, Message string }
}

// follow notes an action that has not ended, if it is to be waited for.
func (z *zone) follow(a action, wait bool) error {
	switch {
	case a.Status == "success", a.Status == "running" && !wait:
		return nil
	case a.Status == "running":
		z.mu.Lock()
		defer z.mu.Unlock()
		z.running = append(z.running, a.ID)
		return nil
	case a.Status == "error":
		return fmt.Errorf("%s has failed: %s (%s)", z.account.Server(), a.Error.Message, a.Error.Code)
	}
	return &web.FormError{Server: z.account.Server()}
}

// An action is asked about soon at first, and then less and less often.
const (
	firstPause   = 100 * time.Millisecond
	longestPause = 2 * time.Second
)

// await returns when all actions have ended.
func (z *zone) await(ctx context.Context) error {
	z.mu.Lock()
	running := z.running
	z.running = nil
	z.mu.Unlock()
	for _, id := range running {
		if err := z.ended(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

func (z *zone) ended(ctx context.Context, id int64) error {
	for pause := firstPause; ; pause = min(pause*3/2, longestPause) {
		var answer struct{ Action action }
		r := web.Request{Method: http.MethodGet, Path: fmt.Sprintf("actions/%d", id)}
		if err := z.account.Call(ctx, r, &answer); err != nil {
			return err
		}
		switch err := z.follow(answer.Action, false); {
		case err != nil && answer.Action.Status == "error":
			return &dns01.AbandonedError{Err: err}
		case err != nil || answer.Action.Status == "success":
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
