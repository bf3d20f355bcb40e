// Sends a partner's update:
// TALLYSTICK_URL=https://HOST PARTNER=acme TALLYSTICK_SECRET=whsec_… go run . '{"type":…,"timestamp":…,"data":…}'
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
	signer, err := standardwebhooks.NewWebhook(os.Getenv("TALLYSTICK_SECRET"))
	if err != nil {
		log.Fatal(err)
	}
	client, id := http.Client{Timeout: 30 * time.Second}, "msg_"+rand.Text() // one id for all tries
	for try := range 8 {
		time.Sleep(time.Duration(try*try) * 200 * time.Millisecond)
		now := time.Now() // of this try
		signature, _ := signer.Sign(id, now, []byte(body))
		r, _ := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
		r.Header = http.Header{"Content-Type": {"application/json"}, "Webhook-Id": {id}, "Webhook-Timestamp": {strconv.FormatInt(now.Unix(), 10)}, "Webhook-Signature": {signature}}
		if reply, err := client.Do(r); err != nil {
			log.Print(err)
		} else if reply.StatusCode < 500 && reply.Header.Get("Retry-After") == "" {
			io.Copy(os.Stdout, reply.Body)
			os.Exit(min(reply.StatusCode-200, 1)) // 0 for 200
		}
	}
	os.Exit(1)
}
