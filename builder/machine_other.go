//go:build !linux

package builder

// machineMemory is unknown: nothing is run here that would need it.
func machineMemory() int64 { return 0 }
