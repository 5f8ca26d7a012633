package route53

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

var authorization = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$`)

// authenticate checks a signature (Signature Version 4), and returns whose it is.
func (s *Service) authenticate(r *http.Request, body []byte, name string) (Key, *problem) {
	m := authorization.FindStringSubmatch(r.Header.Get("Authorization"))
	if m == nil {
		return Key{}, &problem{403, "MissingAuthenticationToken", "Missing Authentication Token"}
	}
	i := slices.IndexFunc(s.Keys, func(k Key) bool { return k.ID == m[1] })
	stamp := r.Header.Get("X-Amz-Date")
	at, err := time.Parse("20060102T150405Z", stamp)
	switch {
	case i < 0 || s.Keys[i].Token != r.Header.Get("X-Amz-Security-Token"):
		return Key{}, &problem{403, "InvalidClientTokenId", "The security token included in the request is invalid."}
	case err != nil || !strings.HasPrefix(stamp, m[2]) || time.Since(at).Abs() > 5*time.Minute:
		return Key{}, &problem{403, "SignatureDoesNotMatch", "Signature expired"}
	case m[4] != name || m[3] != "us-east-1":
		return Key{}, &problem{403, "SignatureDoesNotMatch", "Credential should be scoped to a valid region and service"}
	}
	names := strings.Split(m[5], ";")
	for field := range r.Header {
		if f := strings.ToLower(field); strings.HasPrefix(f, "x-amz-") && !slices.Contains(names, f) {
			return Key{}, &problem{403, "SignatureDoesNotMatch", field + " is not signed"}
		}
	}
	if !slices.Contains(names, "host") || signature(r, body, s.Keys[i].Secret, m) != m[6] {
		return Key{}, &problem{403, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided."}
	}
	return s.Keys[i], nil
}

// signature computes a signature from the fields of an Authorization.
func signature(r *http.Request, body []byte, secret string, m []string) string {
	var header strings.Builder
	for name := range strings.SplitSeq(m[5], ";") {
		value := strings.Join(r.Header.Values(name), ",")
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = fmt.Sprint(r.ContentLength)
		}
		fmt.Fprintf(&header, "%s:%s\n", name, strings.Join(strings.Fields(value), " "))
	}
	request := fmt.Sprintf("%s\n%s\n%s\n%s\n%s\n%x", r.Method, r.URL.EscapedPath(), query(r.URL.Query()), header.String(), m[5], sha256.Sum256(body))
	scope := m[2] + "/" + m[3] + "/" + m[4] + "/aws4_request"
	text := fmt.Sprintf("AWS4-HMAC-SHA256\n%s\n%s\n%x", r.Header.Get("X-Amz-Date"), scope, sha256.Sum256([]byte(request)))
	key := []byte("AWS4" + secret)
	for _, part := range append(strings.Split(scope, "/"), text) {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(part))
		key = h.Sum(nil)
	}
	return fmt.Sprintf("%x", key)
}

func query(q url.Values) string {
	var pairs []string
	for name, values := range q {
		for _, v := range values {
			pairs = append(pairs, escaped(name)+"="+escaped(v))
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

func escaped(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }
