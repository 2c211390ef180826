"""The sample shop: one real nginx that answers for sites and APIs over HTTP and TLS, each at an address of its own."""

import json
import os

# What the probes show api-users as their key: a secret of this sample, known to every reader of this file.
KEY = "the-probes-own-key"

SITES = {
    "customer-site": "Sample Shop",
    "seller-site": "For sellers",
    "operator-site": "For operators",
    "internal-shop": "Internal shop",
    "crm": "CRM",
}

# What an API says of itself at /health.
HEALTH = {
    "shop-api": {"status": "UP", "service": "shop-api", "orders_open": 17, "database": "UP"},
    "crm-api": {"status": "UP", "service": "crm-api", "customers": 4211, "queue_depth": 3},
    "mes-api": {"status": "UP", "service": "mes-api", "machines_running": 9, "machines_total": 10},
}

ORDERS = {"user": "probe", "orders": [{"id": 4711, "state": "in production"}, {"id": 4712, "state": "sent"}]}

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

# The same pages over HTTP and TLS.
SERVER = """
  server {{
    listen {address}:{http_port};
    listen {address}:{tls_port} ssl http2;
    server_name {name};
    ssl_certificate {certificate}.crt;
    ssl_certificate_key {certificate}.key;
    ssl_protocols TLSv1.2 TLSv1.3;
{pages}
    location / {{ return 404 '{{"error": "not found"}}'; }}
  }}
"""

SITE = """\
    location = / {{ default_type "text/html; charset=utf-8"; return 200 '{front}'; }}
    location = /login {{ default_type "text/html; charset=utf-8"; return 200 '{login}'; }}"""

FRONT = """<!doctype html><title>{title}</title><h1>{title}</h1>
<ul><li class="article">Gear wheel, 40 teeth</li><li class="article">Bracket, steel</li></ul>
<a href="/login">Log in</a>"""

LOGIN = """<!doctype html><title>{title}: log in</title><h1>{title}</h1>
<form method="post" action="/login"><input name="user"><input name="password" type="password"><button>Log in</button></form>"""

API = """\
    location = /health {{ add_header Cache-Control no-store; return 200 '{health}'; }}
    location = / {{ return 302 /health; }}"""

API_WITH_KEY = """\
    location = /v1/orders {{
      if ($http_authorization != "Bearer {key}") {{
        add_header WWW-Authenticate Bearer always;
        return 401 '{{"error": "show your key"}}';
      }}
      return 200 '{orders}';
    }}
"""


def pages(service):
    if service in SITES:
        title = SITES[service]
        return SITE.format(front=FRONT.format(title=title), login=LOGIN.format(title=title))
    with_key = API_WITH_KEY.format(key=KEY, orders=json.dumps(ORDERS)) if service == "api-users" else ""
    return with_key + API.format(health=json.dumps(HEALTH.get(service, {"status": "UP", "service": service})))


def write_nginx(folder, servers, one_process=False):
    """Writes nginx.conf. servers: {service: {address, name, certificate, http_port, tls_port}}. Returns its command.
    one_process: so that nothing of it can outlive a master that is killed."""
    os.makedirs(folder, exist_ok=True)
    user = "user nobody nogroup;" if os.geteuid() == 0 and not one_process else ""
    text = HEAD.format(folder=folder, user=user, master="off" if one_process else "on")
    for service, server in servers.items():
        text += SERVER.format(pages=pages(service), **server)
    path = os.path.join(folder, "nginx.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text + "}\n")
    return ["nginx", "-e", f"{folder}/error.log", "-c", path]
