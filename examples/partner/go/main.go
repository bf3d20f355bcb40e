// Sends a partner's update:
// TALLYSTICK_URL=https://HOST PARTNER=acme TALLYSTICK_SECRET=whsec_… go run . '{"type":…,"timestamp":…,"data":…}' [ID]
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
	client, id, wait := http.Client{Timeout: 30 * time.Second}, "msg_"+rand.Text(), 0 // one id for all tries
	if len(os.Args) > 2 {
		id = os.Args[2]
	}
	for try := range 8 {
		time.Sleep(max(time.Duration(try*try)*200*time.Millisecond, time.Duration(wait)*time.Second))
		now := time.Now() // of this try
		signature, _ := signer.Sign(id, now, []byte(body))
		r, _ := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
		r.Header = http.Header{"Content-Type": {"application/json"}, "Webhook-Id": {id}, "Webhook-Timestamp": {strconv.FormatInt(now.Unix(), 10)}, "Webhook-Signature": {signature}}
		reply, err := client.Do(r)
		if wait = 0; err != nil {
			log.Print(err)
			continue
		}
		again := reply.Header.Get("Retry-After")
		wait, _ = strconv.Atoi(again)
		if reply.StatusCode < 500 && again == "" || try == 7 {
			io.Copy(os.Stdout, reply.Body)
			if reply.StatusCode == http.StatusOK {
				return
			}
			break
		}
	}
	log.Fatal("not done, as far as is known; to send the same again: webhook-id ", id)
}
