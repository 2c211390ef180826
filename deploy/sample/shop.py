"""The sample shop: one real nginx that answers for every API over HTTP and TLS, each at an address of its own."""

import json
import os

# What an API says of itself at /health.
HEALTH = {
    "shop-api": {"status": "UP", "service": "shop-api", "orders_open": 17, "database": "UP"},
    "crm-api": {"status": "UP", "service": "crm-api", "customers": 4211, "queue_depth": 3},
    "mes-api": {"status": "UP", "service": "mes-api", "machines_running": 9, "machines_total": 10},
}

HEAD = """
daemon off;
{user}
worker_processes 1;
master_process {master};
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  log_format by_check '$time_iso8601 $remote_addr $host "$request" $status $http_user_agent';
  access_log {folder}/access.log by_check;
  server_tokens off;
  default_type application/json;
"""

# $scheme is http or https: the same pages over both.
SERVER = """
  server {{
    listen {address}:{http_port};
    listen {address}:{tls_port} ssl http2;
    server_name {name};
    ssl_certificate {certificate}.crt;
    ssl_certificate_key {certificate}.key;
    ssl_protocols TLSv1.2 TLSv1.3;
    location = /health {{ add_header Cache-Control no-store; return 200 '{health}'; }}
    location = / {{ return 302 /health; }}
    location / {{ return 404 '{{"error": "not found"}}'; }}
  }}
"""


def write_nginx(folder, servers, one_process=False):
    """Writes nginx.conf. servers: {api: {address, name, certificate, http_port, tls_port}}. Returns its command.
    one_process: so that nothing of it can outlive a master that is killed."""
    os.makedirs(folder, exist_ok=True)
    user = "user nobody nogroup;" if os.geteuid() == 0 and not one_process else ""
    text = HEAD.format(folder=folder, user=user, master="off" if one_process else "on")
    for api, server in servers.items():
        health = json.dumps(HEALTH.get(api, {"status": "UP", "service": api}))
        text += SERVER.format(health=health, **server)
    path = os.path.join(folder, "nginx.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text + "}\n")
    return ["nginx", "-e", f"{folder}/error.log", "-c", path]
