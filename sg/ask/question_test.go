package ask

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/sgtest"
)

func TestQuestion(t *testing.T) {
	topo, err := sgtest.ParseTopology("t", `
group sg-w name=web
group sg-d name=db
group sg-p name=pool
group sg-lb name=balancer
group sg-c name=cafe
group sg-s vpc=v name="the spare ones"
eni eni-w 10.0.1.10 2001:db8::10 sg-w name="web one" instance=i-1
eni eni-d 10.0.2.20 2001:db8::20 sg-d sg-p
eni eni-6 2001:db8::66 sg-p name=six
eni eni-7 10.0.7.7 sg-p name=eni-d
`)
	require.NoError(t, err)
	r := NewParser(topo)
	for in, want := range map[string]string{
		"tcp 10.0.0.1:1 > 10.0.0.2:2":                          "tcp 10.0.0.1:1 > 10.0.0.2:2 S",
		"tcp 10.0.0.1:1 > 10.0.0.2:2 len 3":                    "tcp 10.0.0.1:1 > 10.0.0.2:2 S len 3",
		"tcp 10.0.0.1:1 > 10.0.0.2:2 FA":                       "tcp 10.0.0.1:1 > 10.0.0.2:2 FA",
		"tcp web one:1 > db:5432":                              "tcp 10.0.1.10:1 > 10.0.2.20:5432 S",
		"tcp i-1:1 > eni-d:5432 A":                             "tcp 10.0.1.10:1 > 10.0.2.20:5432 A",
		"tcp db > web one:443 S":                               "tcp 10.0.2.20:49152 > 10.0.1.10:443 S",
		"udp web:1 > six:53 len 4":                             "udp [2001:db8::10]:1 > [2001:db8::66]:53 len 4",
		"udp [2001:db8::1]:1 > db:53":                          "udp [2001:db8::1]:1 > [2001:db8::20]:53",
		"icmp 192.0.2.1 > web one 8/0":                         "icmp 192.0.2.1 > 10.0.1.10 8/0",
		"icmpv6 sg-w > db 128/0 id 7":                          "icmpv6 2001:db8::10 > 2001:db8::20 128/0 id 7",
		"tcp eni-d:1 > web:2":                                  "tcp 10.0.2.20:1 > 10.0.1.10:2 S", // an id, and a name
		"47 web > db":                                          "gre 10.0.1.10 > 10.0.2.20",
		"GRE web to db":                                        "gre 10.0.1.10 > 10.0.2.20",
		"icmp6 web > db 128/0":                                 "icmpv6 2001:db8::10 > 2001:db8::20 128/0",
		"ipv6-icmp web > db 128/0":                             "icmpv6 2001:db8::10 > 2001:db8::20 128/0",
		"sctp web > db:5":                                      "sctp 10.0.1.10:49152 > 10.0.2.20:5",
		"TCP web > db:5432":                                    "tcp 10.0.1.10:49152 > 10.0.2.20:5432 S",
		"tcp web one to db:postgresql A":                       "tcp 10.0.1.10:49152 > 10.0.2.20:5432 A",
		"tcp 192.0.2.1:https > web one:1 SA":                   "tcp 192.0.2.1:443 > 10.0.1.10:1 SA",
		"udp [2001:db8::1]:1 > [2001:db8::2]:DNS":              "udp [2001:db8::1]:1 > [2001:db8::2]:53",
		"tcp web > db:dns":                                     "tcp 10.0.1.10:49152 > 10.0.2.20:53 S",
		"web one to db:5432":                                   "tcp 10.0.1.10:49152 > 10.0.2.20:5432 S",
		"198.51.100.7:1 -> web one:https A":                    "tcp 198.51.100.7:1 > 10.0.1.10:443 A",
		"ssh web one > db":                                     "tcp 10.0.1.10:49152 > 10.0.2.20:22 S",
		"https 192.0.2.1 > db A":                               "tcp 192.0.2.1:49152 > 10.0.2.20:443 A",
		"https 192.0.2.1 to 192.0.2.2":                         "tcp 192.0.2.1:49152 > 192.0.2.2:443 S",
		"dns web > 2001:db8::2":                                "udp [2001:db8::10]:49152 > [2001:db8::2]:53",
		"tcp 198.51.100.7 > web:443":                           "tcp 198.51.100.7:49152 > 10.0.1.10:443 S",
		"udp 2001:db8::1 to [2001:db8::2]:53":                  "udp [2001:db8::1]:49152 > [2001:db8::2]:53",
		"ping web to db":                                       "icmp 10.0.1.10 > 10.0.2.20 8/0",
		"Ping web > six":                                       "icmpv6 2001:db8::10 > 2001:db8::66 128/0",
		"ping 2001:db8::1 > web id 7":                          "icmpv6 2001:db8::1 > 2001:db8::10 128/0 id 7",
		"ping web > db 8/1":                                    "icmp 10.0.1.10 > 10.0.2.20 8/1",
		"icmp web to db 3/4 about tcp 10.0.0.2:1 > 10.0.0.3:2": "icmp 10.0.1.10 > 10.0.2.20 3/4 about tcp 10.0.0.2:1 > 10.0.0.3:2",
		"icmp web > db echo":                                   "icmp 10.0.1.10 > 10.0.2.20 8/0",
		"icmp web to db echo-request id 3":                     "icmp 10.0.1.10 > 10.0.2.20 8/0 id 3",
		"icmp6 web to db ECHO-REPLY":                           "icmpv6 2001:db8::10 > 2001:db8::20 129/0",
		"rdp web > db:3390":                                    "tcp 10.0.1.10:49152 > 10.0.2.20:3390 S",
		"    12    0.031000  accept   tcp 10.0.0.1:1 > 10.0.0.2:2 SA len 9":                                                                                                           "tcp 10.0.0.1:1 > 10.0.0.2:2 SA len 9",
		"  2,300  12  tcp 10.0.0.1:1 > 10.0.0.2:2 S, several ports":                                                                                                                   "tcp 10.0.0.1:1 > 10.0.0.2:2 S",
		"  2  12  udp 10.0.0.1:1 > 10.0.0.2:2\n     web ingress: no rule":                                                                                                             "udp 10.0.0.1:1 > 10.0.0.2:2",
		"12 31999.799999  -  47 10.0.0.1 > 10.0.0.2\n        neither end is an ENI of the topology":                                                                                   "gre 10.0.0.1 > 10.0.0.2",
		"12 0.1  unknown  icmp 10.0.0.1 > 10.0.0.2 3/4\n                                 about tcp 10.0.0.2:1 >\n                                 10.0.0.3:2\n        web ingress: x": "icmp 10.0.0.1 > 10.0.0.2 3/4 about tcp 10.0.0.2:1 > 10.0.0.3:2",
	} {
		q, err := r.Parse(in)
		if assert.NoError(t, err, in) {
			assert.Equal(t, want, q.Header.String(), in)
			assert.Equal(t, strings.Contains(in, "12 "), q.Pasted == "12", in)
		}
	}
	for in, want := range map[string]string{
		"tcp web > cafe:5432":                  `"cafe": no interface of the topology carries this group`,
		"postgres web > cafe":                  `"cafe": no interface of the topology carries this group`,
		"postgres web > bad":                   `"bad": no interface, instance or group`,
		"tcp pool:1 > db:2":                    `"pool": which of its 3 interfaces? eni-d (10.0.2.20), eni-6 (2001:db8::66), eni-7 (10.0.7.7)`,
		"tcp web:1 > nobody:2":                 `"nobody": no interface, instance or group`,
		"tcp 10.0.0.1:1 > six:2":               "six has no address of that IP version",
		"tcp 10.0.0.1:1 > db:htps":             `want a port below 65536, got "htps"`,
		"tcp 10.0.0.1:1 > [2001:db8::1]:https": "source and destination are of different families",
		"htps web > db":                        `want tcp, udp, icmp, icmpv6 or another protocol by name or number, got "htps"`,
		"sctp web:1":                           `packet: "sctp web:1": byte 10: want > between source and destination, got the end`,
		"tcp web:1":                            `packet: "tcp web:1": byte 9: want > between source and destination, got the end`,
		"tcp web:1 db:2 S":                     `packet: "tcp web:1 db:2 S": byte 10: want > between source and destination, got "db:2"`,
		"tcp web:1 > 10.0.0.300:2":             "destination: want an address",
		"tcp web:1 > db:2 whatever":            "unknown word",
		"tcp web > db:99999":                   `packet: "tcp web > db:99999": destination: want a port below 65536, got "99999"`,
		"tcp web:1 > 10.0.0.2":                 `packet: "tcp web:1 > 10.0.0.2": a port on one side only`,
		"web > db":                             `packet: "web > db": which port? Write db:5432, or postgres web > db`,
		"udp 10.0.0.1 > web one":               `packet: "udp 10.0.0.1 > web one": which port? Write web one:53, or dns 10.0.0.1 > web one`,
		"tcp web > 10.0.0.2":                   `packet: "tcp web > 10.0.0.2": tcp needs ports`,
		"tcp web > db whatever":                `unknown word "whatever"`,
		"tcp web one > the spare ones:5432":    `"the spare ones": no interface of the topology carries this group`,
		"balancer to db:5432":                  `"balancer": no interface of the topology carries this group: -eni can give one`,
		"nobody > db:1":                        `got "nobody"`,
		"tcp 192.0.2.1:1 > 10.0.0.2":           `packet: "tcp 192.0.2.1:1 > 10.0.0.2": byte 18: a port on one side only`,
		"icmp6 web > db":                       `icmpv6 needs type/code such as 128/0`,
		"icmp web > db":                        `icmp needs type/code such as 8/0`,
		"icmpv6 web > db x/0":                  `want ICMP type/code such as 128/0, got "x/0"`,
		"":                                     "packet: ",
		" > ":                                  "packet: ",
		"tcp  > ":                              "packet: ",
	} {
		_, err := r.Parse(in)
		assert.ErrorContains(t, err, want, in)
	}
}

// What the console and ask both name has one port.
func TestServices(t *testing.T) {
	both := 0
	for name, s := range services {
		port, err := strconv.ParseUint(s.port, 10, 16)
		require.NoError(t, err, name)
		assert.Equal(t, strings.ToLower(name), name)
		if traffic, err := sg.ParseTraffic(name); err == nil && traffic.Name != "" {
			both++
			assert.Equal(t, sg.Port(int(port)), traffic.Ports, name)
			assert.Equal(t, sg.Protocol(s.protocol), traffic.Protocol, name)
		}
	}
	assert.Greater(t, both, 15)
	for _, name := range []string{"ssh", "https", "dns"} {
		assert.Contains(t, services, name)
	}
}
