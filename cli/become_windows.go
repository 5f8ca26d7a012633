package cli

// become does not exist on Windows.
func become(name, _ string) error {
	return usagef("run it as a service of that user", "user %s: a process cannot become another user on Windows", name)
}
