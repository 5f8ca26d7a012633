package delegation

// Signed returns a Client like c that asks for signatures as well (DO,
// RFC 3225), and asks resolvers to hand over those that they would reject (CD,
// RFC 4035 §3.2.2).
func (c *Client) Signed() *Client {
	s := *c
	s.signed = true
	return &s
}
