package guard_test

import (
	"context"
	"errors"
	"testing"

	"certctl/dns01/guard"
)

func TestTurn(t *testing.T) {
	turn := guard.NewTurn()
	if err := turn.Take(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	waited := make(chan error)
	go func() { waited <- turn.Take(ctx) }()
	cancel()
	if err := <-waited; !errors.Is(err, context.Canceled) {
		t.Errorf("while another has it: got %v, want that the context has ended", err)
	}
	turn.Give()
	if err := turn.Take(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("without a wait: got %v, want that the context has ended", err)
	}
	if err := turn.Take(t.Context()); err != nil {
		t.Errorf("given back: got %v", err)
	}
}
