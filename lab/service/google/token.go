package google

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"certctl/lab/service"
)

// root is the key of who is known by a refresh token, an identity elsewhere, or
// by being at the machine: it may do everything.
var root = Key{Email: "root@" + Project + ".iam.gserviceaccount.com"}

// token serves what gives tokens. It reports whether that was asked.
func (s *Service) token(w http.ResponseWriter, r *http.Request) bool {
	flavored := r.Header.Get("Metadata-Flavor") == "Google"
	switch {
	case r.URL.Path == "/computeMetadata/v1/project/project-id" && flavored:
		fmt.Fprint(w, Project)
	case r.URL.Path == "/computeMetadata/v1/instance/service-accounts/default/token" && flavored:
		s.grant(w, root)
	case r.URL.Path == "/token" && r.Method == http.MethodPost:
		s.exchange(w, r)
	case strings.HasSuffix(r.URL.Path, ":generateAccessToken"):
		if _, ok := s.tokens[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]; !ok {
			(&problem{401, "authError", "Request had invalid authentication credentials."}).write(w)
			return true
		}
		service.Write(w, 200, map[string]any{"accessToken": s.add(root), "expireTime": time.Now().Add(time.Hour).UTC()})
	default:
		return false
	}
	return true
}

func (s *Service) exchange(w http.ResponseWriter, r *http.Request) {
	r.ParseForm()
	var k Key
	ok := false
	switch r.PostForm.Get("grant_type") {
	case "urn:ietf:params:oauth:grant-type:jwt-bearer":
		k, ok = s.verify(r.PostForm.Get("assertion"))
	case "refresh_token":
		k, ok = root, r.PostForm.Get("refresh_token") == "refresh" && r.PostForm.Get("client_secret") == "client"
	case "urn:ietf:params:oauth:grant-type:token-exchange":
		k, ok = root, r.PostForm.Get("subject_token") == "identity" && r.PostForm.Get("subject_token_type") != "" && validScope(r.PostForm.Get("scope"))
	}
	if !ok {
		service.Write(w, 400, map[string]string{"error": "invalid_grant", "error_description": "Invalid JWT Signature."})
		return
	}
	s.grant(w, k)
}

func (s *Service) add(k Key) string {
	text := fmt.Sprint("ya29.token-", len(s.tokens))
	s.tokens[text] = k
	return text
}

func (s *Service) grant(w http.ResponseWriter, k Key) {
	service.Write(w, 200, map[string]any{"access_token": s.add(k), "expires_in": 3599, "token_type": "Bearer"})
}

// cloud is the scope for everything; with .read-only, for reading it.
const cloud = "https://www.googleapis.com/auth/cloud-platform"

func validScope(scope string) bool {
	return scope == "https://www.googleapis.com/auth/ndev.clouddns.readwrite" || scope == cloud || scope == cloud+".read-only"
}

// verify checks a service account's assertion (RFC 7523 §3).
func (s *Service) verify(text string) (Key, bool) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return Key{}, false
	}
	var header struct{ Alg, Typ string }
	var claims struct {
		Iss, Scope, Aud string
		Iat, Exp        int64
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || !decode(parts[0], &header) || !decode(parts[1], &claims) || header.Alg != "RS256" {
		return Key{}, false
	}
	i := slices.IndexFunc(s.Keys, func(k Key) bool { return k.Email == claims.Iss })
	aud, err := url.Parse(claims.Aud)
	now := time.Now().Unix()
	if i < 0 || err != nil || aud.Path != "/token" || !validScope(claims.Scope) || claims.Iat > now || claims.Exp < now || claims.Exp-claims.Iat > 3600 {
		return Key{}, false
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	key := s.Keys[i]
	key.scope = claims.Scope
	return key, rsa.VerifyPKCS1v15(s.Keys[i].Public, crypto.SHA256, sum[:], signature) == nil
}

func decode(part string, into any) bool {
	text, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && json.Unmarshal(text, into) == nil
}
