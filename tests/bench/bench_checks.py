"""What the benchmark lets the probe and blackbox check."""

import subprocess
import urllib.parse

from bench_tables import AUTHORITIES, MANY, PRIVATE, PRIVATE_MANY

PACKET = 56  # payload bytes of the first check's ping; the next has one more

SERVICE = '[service]\nname = "load"\n[defaults]\nevery = "{every}"\ntimeout = "{timeout}"\nlocations = ["eu-1a"]\n'
HTTP = '[[http]]\nname = "c{n}"\nurl = "{scheme}://shop-api.example{path}"\n'
PING = '[[ping]]\nname = "c{n}"\nhost = "shop-api.example"\npackets = 1\npayload_bytes = {bytes}\n'


def check_of(kind, n):
    if kind in ("ping", MANY):
        return PING.format(n=n, bytes=PACKET + n % 100)
    if kind in (PRIVATE, PRIVATE_MANY):
        return check_of("https", n) + 'tls.ca_file = "authorities.pem"\n'
    return HTTP.format(n=n, scheme=kind, path=f"/health?n={n}")


def blackbox_probe(kind):
    if kind in ("ping", MANY):
        return "/probe?module=icmp&target=shop-api.example"
    if kind == PRIVATE:
        return blackbox_probe("https").replace("module=http", "module=private")
    return "/probe?module=http&target=" + urllib.parse.quote(f"{kind}://shop-api.example/health?n=") + "{n}"


def blackbox_settings(ca_file, authorities):
    icmp = "".join(f"  icmp{n}: {{ prober: icmp, timeout: 1s, icmp: {{ preferred_ip_protocol: ip4, payload_size: {PACKET + n} }} }}\n"
                   for n in range(100))
    return (f"modules:\n  private: {{ prober: http, timeout: 1s, http: {{ preferred_ip_protocol: ip4, tls_config: {{ ca_file: {authorities} }} }} }}\n"
            f"  http: {{ prober: http, timeout: 1s, http: {{ preferred_ip_protocol: ip4, tls_config: {{ ca_file: {ca_file} }} }} }}\n"
            f"  icmp: {{ prober: icmp, timeout: 1s, icmp: {{ preferred_ip_protocol: ip4 }} }}\n{icmp}")


def write_authorities(file, own):
    """RSA, as most are; the one that signed the shop's certificate is the last."""
    made = ""
    for n in range(AUTHORITIES - 1):
        made += subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "/dev/null", "-days", "3650",
                                "-subj", f"/O=A private company/CN=Authority {n}"], capture_output=True, text=True, check=True).stdout
    file.write_text(made + own)
