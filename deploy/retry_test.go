package deploy

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestWhatPassesIsTriedAgain, for minutes; a permission that the operator lacks is not, but
// where Google says that the account may not be there.
func TestWhatPassesIsTriedAgain(t *testing.T) {
	for _, tt := range []struct {
		answer   string
		attempts int
		seconds  int // between them
	}{
		{"status=[400], message=[Service account a@b does not exist.]", 11, 480},
		{"status=[404], message=[Service account projects/-/serviceAccounts/a@b was not found. Verify that the caller has been granted the 'iam.serviceAccounts.actAs' permission.]", 11, 480},
		{"Permission denied on secret: projects/1/secrets/x/versions/latest for Revision service account a@b.", 11, 480},
		{"status=[403], message=[Permission 'iam.serviceaccounts.actAs' denied on service account a@b (or it may not exist).]", 6, 60},
		{"status=[403], message=[Permission 'iam.serviceAccounts.actAs' denied on service account a@b]", 1, 0},
		{"status=[403], message=[Caller is missing permission 'iam.serviceaccounts.actAs' on service account a@b.]", 1, 0},
		{"status=[400], message=[Bad.]", 1, 0},
	} {
		dir := t.TempDir()
		for name, text := range map[string]string{
			"gcloud": "#!/bin/sh\necho x >>" + dir + "/attempts\necho \"$ANSWER\" >&2\nexit 1\n",
			"sleep":  "#!/bin/sh\necho $1 >>" + dir + "/pauses\n",
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o777); err != nil {
				t.Fatal(err)
			}
		}
		c := steps(t, "tmp=$FOLDER\nsettle doing functions deploy x\n")
		c.Env = append(c.Env, "PATH="+dir+":"+os.Getenv("PATH"), "FOLDER="+dir, "ANSWER="+tt.answer)
		out, err := c.CombinedOutput()
		if err == nil || !strings.Contains(string(out), tt.answer) {
			t.Errorf("%s: it ended with %v and does not say so:\n%s", tt.answer, err, out)
		}
		attempts, seconds := len(numbers(t, dir+"/attempts")), 0
		for _, n := range numbers(t, dir+"/pauses") {
			seconds += n
		}
		if attempts != tt.attempts || seconds != tt.seconds {
			t.Errorf("%s: %d attempts with %d s between them, want %d with %d s", tt.answer, attempts, seconds, tt.attempts, tt.seconds)
		}
	}
}

// numbers are a file's lines; none if it is not there.
func numbers(t *testing.T, name string) (all []int) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for _, line := range strings.Fields(string(b)) {
		n, _ := strconv.Atoi(line)
		all = append(all, n)
	}
	return all
}
