package proc

// firstCPUs returns the numbers of n processors for a system that does not number
// them.
func firstCPUs(n int) []int {
	cpus := make([]int, n)
	for i := range cpus {
		cpus[i] = i
	}
	return cpus
}
