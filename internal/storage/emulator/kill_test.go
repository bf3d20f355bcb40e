package emulator_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/storage/emulator"
)

const child = "EMULATOR_TEST_CHILD"

// TestChild is no test but what a child process runs.
func TestChild(t *testing.T) {
	if os.Getenv(child) == "" {
		t.Skip("it is started by the other test")
	}
	fmt.Printf("address %s\n", emulator.Datastore(t))
	time.Sleep(time.Hour)
}

func TestAKilledProcessLeavesNoEmulatorBehind(t *testing.T) {
	emulator.Datastore(t) // skips where there is none
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), program, "-test.run=^TestChild$")
	c.Env = append(os.Environ(), child+"=1")
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	host := ""
	for lines := bufio.NewScanner(out); host == "" && lines.Scan(); {
		host, _ = strings.CutPrefix(lines.Text(), "address ")
		if !strings.Contains(host, ":") {
			host = ""
		}
	}
	if host == "" {
		t.Fatal("the child started no emulator")
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	for { // until nobody listens there: the test's own timeout is the bound
		conn, err := net.Dial("tcp", host)
		if err != nil {
			return
		}
		conn.Close()
		time.Sleep(20 * time.Millisecond)
	}
}
