package emulator

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// keeper is a shell that runs a program until its own input ends, which the
// kernel sees to when this process is gone, be it by SIGKILL. Then it ends all of
// its process group, which is the program and what the program started, and
// itself.
const keeper = `folder=$1; shift
{ "$@" >"$folder/log" 2>&1; echo ended >"$folder/ended"; } &
cat >/dev/null
rm -rf "$folder"
kill -KILL 0`

type process struct {
	folder string
	input  io.Closer
}

// runUntilWeEnd starts a program whose log is in folder, which goes with it.
func runUntilWeEnd(folder string, command []string) (*process, error) {
	c := exec.Command("/bin/sh", append([]string{"-c", keeper, "keeper", folder}, command...)...)
	c.SysProcAttr = ownGroup
	input, err := c.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, err
	}
	go func() { _ = c.Wait() }() // which also keeps the pipe from being collected
	return &process{folder, input}, nil
}

func (p *process) ended() bool {
	_, err := os.Stat(filepath.Join(p.folder, "ended"))
	return err == nil
}

// stop ends the program and returns its log.
func (p *process) stop() string {
	log, err := os.ReadFile(filepath.Join(p.folder, "log"))
	if err != nil {
		log = []byte(err.Error())
	}
	p.input.Close()
	return string(log)
}
