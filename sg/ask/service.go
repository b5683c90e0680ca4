package ask

import (
	"strings"

	"github.com/sgsim/sgsim/packet"
)

// A service is what a port is known for.
type service struct {
	port     string
	protocol packet.Protocol // over which it mostly goes
}

// services are names of IANA's registry and of the console's list, of services that groups
// are written for. They are the same on every machine, whatever its own list says.
var services = func() map[string]service {
	all := map[string]service{}
	for _, list := range []struct {
		protocol packet.Protocol
		names    string
	}{
		{packet.TCP, `ftp 21 ssh 22 telnet 23 smtp 25 http 80 kerberos 88 pop3 110 imap 143 bgp 179
			ldap 389 https 443 smb 445 microsoft-ds 445 smtps 465 submission 587 ldaps 636 imaps 993
			pop3s 995 mssql 1433 ms-sql-s 1433 oracle 1521 oracle-rds 1521 nfs 2049 mysql 3306
			aurora 3306 rdp 3389 ms-wbt-server 3389 postgres 5432 postgresql 5432 redshift 5439
			amqp 5672 winrm-http 5985 winrm-https 5986 redis 6379 http-alt 8080 kafka 9092
			memcached 11211 mongodb 27017`},
		{packet.UDP, `dns 53 domain 53 ntp 123 snmp 161 syslog 514 isakmp 500 ipsec-nat-t 4500`},
	} {
		words := strings.Fields(list.names)
		for i := 0; i < len(words); i += 2 {
			all[words[i]] = service{words[i+1], list.protocol}
		}
	}
	return all
}()

// serviceOf returns the service of a name, in either case.
func serviceOf(name string) (service, bool) {
	s, ok := services[strings.ToLower(name)]
	return s, ok
}
