//go:build !linux

package sqlite

// vfs is SQLite's own.
func vfs() (string, error) { return "", nil }
