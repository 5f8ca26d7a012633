package route53

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// keys is what requests are signed with.
type keys struct {
	id, secret, token string
	expires           time.Time // zero: never
}

func (k *keys) secrets() []string { return []string{k.secret, k.token} }

// sign adds the header fields of Signature Version 4 to a request.
func sign(r *http.Request, body []byte, k *keys, region, service string, now time.Time) {
	stamp := now.UTC().Format("20060102T150405Z")
	r.Header.Set("X-Amz-Date", stamp)
	if k.token != "" {
		r.Header.Set("X-Amz-Security-Token", k.token)
	}
	names, lines := canonicalHeader(r)
	request := strings.Join([]string{
		r.Method, r.URL.EscapedPath(), canonicalQuery(r.URL.Query()), lines, names, sum(body),
	}, "\n")
	scope := strings.Join([]string{stamp[:8], region, service, "aws4_request"}, "/")
	text := "AWS4-HMAC-SHA256\n" + stamp + "\n" + scope + "\n" + sum([]byte(request))
	key := []byte("AWS4" + k.secret)
	for part := range strings.SplitSeq(scope, "/") {
		key = mac(key, part)
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+k.id+"/"+scope+
		", SignedHeaders="+names+", Signature="+hex.EncodeToString(mac(key, text)))
}

// canonicalHeader returns the names and the lines of what is signed: the host
// and Amazon's own fields.
func canonicalHeader(r *http.Request) (names, lines string) {
	fields := map[string]string{"host": r.URL.Host}
	for name, values := range r.Header {
		if name = strings.ToLower(name); strings.HasPrefix(name, "x-amz-") {
			fields[name] = strings.TrimSpace(strings.Join(values, ","))
		}
	}
	var sorted []string
	for name := range fields {
		sorted = append(sorted, name)
	}
	slices.Sort(sorted)
	for _, name := range sorted {
		lines += name + ":" + fields[name] + "\n"
	}
	return strings.Join(sorted, ";"), lines
}

// canonicalQuery writes a query in the order of its names, with %20 for a space.
func canonicalQuery(q url.Values) string { return strings.ReplaceAll(q.Encode(), "+", "%20") }

func sum(text []byte) string {
	h := sha256.Sum256(text)
	return hex.EncodeToString(h[:])
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
