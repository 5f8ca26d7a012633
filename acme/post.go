package acme

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/cryptosigner"
)

const replayNonce = "Replay-Nonce" // RFC 8555 §6.5.1

// post sends a signed request and decodes the answer. A nil payload makes it
// POST-as-GET (RFC 8555 §6.3). x/crypto's client does the account and the
// certificate; what it cannot ask for (replaces), what is polled (it hides
// Retry-After) and what is asked many times at once (it fetches nonces one
// after the other) goes through here.
func (a *Account) post(ctx context.Context, url string, payload, into any) (http.Header, error) {
	body := []byte{}
	if payload != nil {
		var err error
		if body, err = json.Marshal(payload); err != nil {
			return nil, err
		}
	}
	build := func() (*http.Request, error) { return a.request(ctx, url, body) }
	res, answer, err := a.CA.send(build)
	if err != nil {
		return nil, err
	}
	if into == nil {
		return res.Header, nil
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return nil, fmt.Errorf("answer of %s: %w", url, err)
	}
	return res.Header, nil
}

// request signs the payload with a nonce of its own (RFC 8555 §6.2).
func (a *Account) request(ctx context.Context, url string, payload []byte) (*http.Request, error) {
	nonce, err := a.CA.nonce(ctx)
	if err != nil {
		return nil, err
	}
	body, err := a.sign(url, nonce, payload)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/jose+json")
	return req, nil
}

func (a *Account) sign(url, nonce string, payload []byte) ([]byte, error) {
	key := cryptosigner.Opaque(a.key)
	if len(key.Algs()) == 0 {
		return nil, fmt.Errorf("account key: %T is not supported", a.key.Public())
	}
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: key.Algs()[0], Key: jose.JSONWebKey{Key: key, KeyID: a.URL}},
		&jose.SignerOptions{ExtraHeaders: map[jose.HeaderKey]any{"nonce": nonce, "url": url}},
	)
	if err != nil {
		return nil, fmt.Errorf("account key: %w", err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return nil, fmt.Errorf("account key: %w", err)
	}
	return []byte(signed.FullSerialize()), nil
}

// send makes requests until one is answered with 2xx, or with what backoff
// says is the end. An error answer is a *Problem.
func (c *CA) send(build func() (*http.Request, error)) (*http.Response, []byte, error) {
	for failures := 1; ; failures++ {
		req, err := build()
		if err != nil {
			return nil, nil, err
		}
		res, err := c.http.Do(req)
		if err != nil {
			return nil, nil, err
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			return nil, nil, err
		}
		if req.Method != http.MethodHead { // whose nonce is for who asked
			c.nonces.put(res.Header)
		}
		if res.StatusCode/100 == 2 {
			return res, body, nil
		}
		problem := fromResponse(res, body)
		if !problem.is("badNonce") && res.StatusCode < 500 {
			return nil, nil, problem
		}
		pause := backoff(failures, req, res)
		if pause <= 0 {
			return nil, nil, problem
		}
		if err := sleep(req.Context(), pause); err != nil {
			return nil, nil, err
		}
	}
}

const (
	maxBadNonces   = 30               // half of them rejected leaves one chance in 10⁹ to fail
	maxServerTries = 4                // of a server that answers 5xx
	shortWait      = 10 * time.Second // the longest Retry-After that is waited for
)

// backoff says how long to wait before a request is repeated that has failed
// so many times; 0 ends it. x/crypto's client, which calls it too, repeats no
// 4xx but badNonce and 429. A bad nonce is no fault of the server's: it gets
// its request anew at once (RFC 8555 §6.5). A rate limit is never slept
// through.
func backoff(failures int, _ *http.Request, res *http.Response) time.Duration {
	switch {
	case res.StatusCode == http.StatusTooManyRequests:
		return 0
	case res.StatusCode >= 500:
		return serverBackoff(failures, retryAfter(res.Header))
	case res.StatusCode >= 400 && failures <= maxBadNonces:
		return time.Millisecond
	default:
		return 0
	}
}

func serverBackoff(failures int, again time.Time) time.Duration {
	if failures >= maxServerTries {
		return 0
	}
	if again.IsZero() {
		return 250 * time.Millisecond << (failures - 1)
	}
	wait := max(time.Until(again), time.Millisecond)
	if wait > shortWait {
		return 0
	}
	return wait
}

// nonces are those that the CA has given and nobody has used yet. The newest is
// used first, as it lives longest.
type nonces struct {
	mu   sync.Mutex
	free []string
}

func (n *nonces) put(h http.Header) {
	if nonce := h.Get(replayNonce); nonce != "" {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.free = append(n.free, nonce)
	}
}

func (n *nonces) take() (string, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	last := len(n.free) - 1
	if last < 0 {
		return "", false
	}
	nonce := n.free[last]
	n.free = n.free[:last]
	return nonce, true
}

// nonce takes one, or asks for one (RFC 8555 §7.2).
func (c *CA) nonce(ctx context.Context) (string, error) {
	if nonce, ok := c.nonces.take(); ok {
		return nonce, nil
	}
	head := func() (*http.Request, error) {
		return http.NewRequestWithContext(ctx, http.MethodHead, c.newNonce, nil)
	}
	res, _, err := c.send(head)
	if err != nil {
		return "", fmt.Errorf("new nonce: %w", err)
	}
	if nonce := res.Header.Get(replayNonce); nonce != "" {
		return nonce, nil
	}
	return "", errors.New("new nonce: the CA sent none")
}
