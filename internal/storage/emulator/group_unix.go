//go:build unix

package emulator

import "syscall"

// ownGroup keeps a keeper's group apart from ours, which Ctrl-C ends.
var ownGroup = &syscall.SysProcAttr{Setpgid: true}
