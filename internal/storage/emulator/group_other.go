//go:build !unix

package emulator

import "syscall"

// ownGroup: without /bin/sh no keeper starts, and the test is skipped.
var ownGroup *syscall.SysProcAttr
