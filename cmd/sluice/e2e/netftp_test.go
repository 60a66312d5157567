//go:build e2e

package e2e

import (
	"fmt"
	"path/filepath"
	"testing"
)

// Many scripts use Net::FTP of Perl and of Ruby for FTPS. Perl starts the TLS handshake of
// a data connection before it reads the reply, and hangs if the server has refused the
// command and keeps the connection (F11). Ruby does not read during uploads, so its close
// is a reset if the server has sent it something, such as a session ticket (F6).

// rounds is how often each client repeats its commands, because these faults depend on
// timing.
const rounds = 20

const perlScript = `
use strict; use Net::FTP; use Time::HiRes 'time';
my ($host, $port, $user, $password, $ca, $rounds) = @ARGV;
my $f = Net::FTP->new($host, Port => $port, Timeout => 10, Passive => 1, SSL_ca_file => $ca, SSL_verifycn_name => 'localhost') or die $@;
if ($ca) { $f->starttls or die $f->message; }
$f->login($user, $password) or die $f->message;
$f->binary;
for my $i (1 .. $rounds) {
	my $begun = time;
	$f->get('missing', 'missing') and die 'a missing file was sent';
	$f->code == 550 or die 'RETR missing: ' . $f->code . ' ' . $f->message;
	time - $begun < 5 or die 'RETR missing took ' . (time - $begun);
	$f->get('f', 'got') or die 'RETR f: ' . $f->message;
	-s 'got' == 100000 or die 'RETR f: ' . -s 'got';
	$f->put('got', "up$i") or die 'STOR: ' . $f->message;
	$f->size("up$i") == 100000 or die 'SIZE: ' . $f->message;
	my @names = $f->ls;
	@names == $i + 1 or die 'NLST: ' . @names;
}
$f->quit;
`

const rubyScript = `
require 'net/ftp'
host, port, user, password, ca, rounds = ARGV
options = { port: port.to_i, username: user, password: password, open_timeout: 10, read_timeout: 10 }
options[:ssl] = { ca_file: ca } unless ca.empty?
f = Net::FTP.new(host, options)
(1..rounds.to_i).each do |i|
  begin
    f.getbinaryfile('missing', 'missing')
    raise 'a missing file was sent'
  rescue Net::FTPPermError => e
    raise e unless e.message.start_with?('550')
  end
  f.getbinaryfile('f', 'got')
  raise "RETR f: #{File.size('got')}" unless File.size('got') == 100000
  f.putbinaryfile('got', "up#{i}")
  raise "SIZE: #{f.size("up#{i}")}" unless f.size("up#{i}") == 100000
  raise "NLST: #{f.nlst}" unless f.nlst.size == i + 1
end
f.quit
`

func TestNetFTPOfPerlAndRuby(t *testing.T) {
	certificate := newPair(t)
	for name, interpreter := range map[string][]string{"Perl": {"perl", "-e", perlScript}, "Ruby": {"ruby", "-e", rubyScript}} {
		for how, ca := range map[string]string{"in clear": "", "by TLS": certificate.cert()} {
			t.Run(name+" "+how, func(t *testing.T) {
				s := startWritable(t, certificate.flags()...)
				s.file("f", 100_000)
				_, port := s.address()
				dir := t.TempDir()
				run(t, dir, interpreter[0], append(interpreter[1:], "localhost", port, user, password, ca, fmt.Sprint(rounds))...)
				wantPattern(t, filepath.Join(dir, "got"), 0, 100_000)
				for i := range rounds {
					wantPattern(t, s.path(fmt.Sprint("up", i+1)), 0, 100_000)
				}
			})
		}
	}
}
