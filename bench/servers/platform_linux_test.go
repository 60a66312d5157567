package servers_test

const costsKnown = true
