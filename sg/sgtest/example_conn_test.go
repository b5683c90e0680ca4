package sgtest_test

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/sgsim/sgsim/sg/sgtest"
)

// A server of net/http behind its group, and two clients of which the group admits
// one. In a test, a bubble of testing/synctest would make the timeout take no time.
func ExampleNetwork_Listen() {
	topology, err := sgtest.ParseTopology("vpc", `
		group sg-web
		rule sg-web egress tcp 8080 sg-app
		group sg-app
		rule sg-app ingress tcp 8080 sg-web
		eni eni-1 10.0.1.10 sg-web name=web
		eni eni-2 10.0.2.20 sg-app name=app
	`)
	if err != nil {
		fmt.Println(err)
		return
	}
	t := &recorder{} // in a test of your own: its *testing.T

	net := sgtest.NewNetwork(t, topology, nil)
	net.Host("laptop", "198.51.100.7")
	listener := net.Listen(t, "app", 8080)
	defer listener.Close() // in a test, the end of the test does that
	go http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "hello from app")
	}))
	for _, c := range []struct {
		from     string
		patience time.Duration
	}{{"web", time.Minute}, {"laptop", 10 * time.Millisecond}} {
		client := http.Client{
			Transport: &http.Transport{DialContext: net.Dialer(t, c.from).DialContext},
			Timeout:   c.patience,
		}
		response, err := client.Get("http://app:8080/")
		if err != nil {
			fmt.Println(c.from, "gets nothing")
			continue
		}
		body, _ := io.ReadAll(response.Body)
		fmt.Println(c.from, "gets:", string(body))
	}
	// Output:
	// web gets: hello from app
	// laptop gets nothing
}
