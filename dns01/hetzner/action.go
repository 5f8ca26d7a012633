package hetzner

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

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
	ended, err := z.ended(a)
	if err == nil && !ended && wait {
		z.running.Add(strconv.FormatInt(a.ID, 10))
	}
	return err
}

// ended reports whether an action has succeeded, or the error that it failed with.
func (z *zone) ended(a action) (bool, error) {
	switch a.Status {
	case "success":
		return true, nil
	case "running":
		return false, nil
	case "error":
		return true, fmt.Errorf("%s has failed: %s (%s)", z.account.Server(), a.Error.Message, a.Error.Code)
	}
	return false, &web.FormError{Server: z.account.Server()}
}

// ask asks whether an action has ended.
func (z *zone) ask(ctx context.Context, id string) (bool, error) {
	var answer struct{ Action action }
	if err := z.account.Call(ctx, web.Request{Method: http.MethodGet, Path: "actions/" + id}, &answer); err != nil {
		return false, err
	}
	ended, err := z.ended(answer.Action)
	if ended && err != nil {
		err = &dns01.AbandonedError{Err: err}
	}
	return ended, err
}
