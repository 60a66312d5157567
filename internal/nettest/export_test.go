package nettest

// For the tests of the leak check itself.
var (
	CheckLeaksFor = checkLeaks
	ParseStacks   = parseStacks
)
