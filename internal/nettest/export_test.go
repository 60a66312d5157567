package nettest

// Exported for the tests of the leak check.
var (
	CheckLeaksFor = checkLeaks
	ParseStacks   = parseStacks
)
