package profiles

// Near is the option that text plausibly misspells; empty where none is near.
func Near(text string, options []string) string { return near(text, options) }
