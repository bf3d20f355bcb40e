// Sends a partner's update:
// TALLYSTICK_URL=https://HOST PARTNER=acme SECRET=whsec_… go run . '{"type":…,"timestamp":…,"data":…}'
package main

import (
	"crypto/rand"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

func main() {
	url, body := os.Getenv("TALLYSTICK_URL")+"/partners/"+os.Getenv("PARTNER")+"/updates", os.Args[1]
	signer, err := standardwebhooks.NewWebhook(os.Getenv("SECRET"))
	if err != nil {
		log.Fatal(err)
	}
	id := "msg_" + rand.Text() // one id for all tries
	for try, again := 0, true; again && try < 8; try++ {
		time.Sleep(time.Duration(try*try) * 200 * time.Millisecond)
		now := time.Now() // of this try
		signature, _ := signer.Sign(id, now, []byte(body))
		r, _ := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
		r.Header = http.Header{"Content-Type": {"application/json"}, "Webhook-Id": {id}, "Webhook-Timestamp": {strconv.FormatInt(now.Unix(), 10)}, "Webhook-Signature": {signature}}
		if reply, err := http.DefaultClient.Do(r); err == nil && reply.StatusCode == 200 {
			io.Copy(os.Stdout, reply.Body)
			return
		} else if again = err != nil || reply.StatusCode >= 500 || reply.Header.Get("Retry-After") != ""; !again {
			io.Copy(os.Stderr, reply.Body)
		}
	}
	os.Exit(1)
}
