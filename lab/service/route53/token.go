package route53

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// token is the Security Token Service: it gives a new key for a role, to a key
// of the account or to the web identity "identity".
func (s *Service) token(w http.ResponseWriter, r *http.Request, body []byte) {
	form, _ := url.ParseQuery(string(body))
	action := cmp.Or(form.Get("Action"), r.URL.Query().Get("Action"))
	var p *problem
	switch action {
	case "ListRoles":
		s.listRoles(w, r, body)
		return
	case "AssumeRole":
		_, p = s.authenticate(r, body, "sts")
	case "AssumeRoleWithWebIdentity":
		if form.Get("WebIdentityToken") != "identity" {
			p = &problem{400, "InvalidIdentityToken", "The ID Token provided is not a valid JWT"}
		}
	default:
		p = &problem{400, "InvalidAction", "Could not find operation " + action}
	}
	if p == nil && (form.Get("RoleArn") == "" || form.Get("RoleSessionName") == "" || form.Get("Version") != "2011-06-15") {
		p = &problem{400, "ValidationError", "RoleArn, RoleSessionName"}
	}
	if p != nil {
		p.write(w)
		return
	}
	k := s.temporary()
	fmt.Fprintf(w, `<%[1]sResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><%[1]sResult><Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>%s</SecretAccessKey><SessionToken>%s</SessionToken><Expiration>%s</Expiration></Credentials></%[1]sResult></%[1]sResponse>`,
		action, k.ID, k.Secret, k.Token, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
}

// listRoles is a part of IAM.
func (s *Service) listRoles(w http.ResponseWriter, r *http.Request, body []byte) {
	key, p := s.authenticate(r, body, "iam")
	if p == nil && key.Owners != nil {
		p = &problem{403, "AccessDenied", "User is not authorized to perform: iam:ListRoles"}
	}
	if p != nil {
		p.write(w)
		return
	}
	fmt.Fprint(w, `<ListRolesResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><ListRolesResult><IsTruncated>false</IsTruncated><Roles/></ListRolesResult></ListRolesResponse>`)
}

func (s *Service) temporary() Key {
	s.roles++
	k := Key{ID: fmt.Sprint("ASIA", s.roles), Secret: fmt.Sprint("temporary-secret-", s.roles), Token: fmt.Sprint("temporary-token-", s.roles)}
	s.Keys = append(s.Keys, k)
	return k
}

// metadata is the service of a machine with a role, or of a container. It
// reports whether that was asked.
func (s *Service) metadata(w http.ResponseWriter, r *http.Request) bool {
	const session, path = "metadata-session", "/latest/meta-data/iam/security-credentials/"
	known := r.Header.Get("X-Aws-Ec2-Metadata-Token") == session
	switch {
	case r.URL.Path == "/latest/api/token" && r.Method == http.MethodPut && r.Header.Get("X-Aws-Ec2-Metadata-Token-Ttl-Seconds") != "":
		fmt.Fprint(w, session)
	case r.URL.Path == path && known:
		fmt.Fprint(w, "role")
	case r.URL.Path == path+"role" && known, r.URL.Path == "/container" && r.Header.Get("Authorization") == "container":
		k := s.temporary()
		fmt.Fprintf(w, `{"Code": "Success", "AccessKeyId": %q, "SecretAccessKey": %q, "Token": %q, "Expiration": %q}`,
			k.ID, k.Secret, k.Token, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	default:
		return false
	}
	return true
}
