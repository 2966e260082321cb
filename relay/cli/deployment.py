"""What a server needs beside the relay: DNS, a reverse proxy with TLS, a service; as text to copy."""

from __future__ import annotations

from dataclasses import dataclass
from string import Template
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from pathlib import Path

    from relay.config.quantities import Address

NGINX: Final = Template("""\
# /etc/nginx/sites-available/$host  (then link it into sites-enabled and reload nginx)
# Signatures of other servers cover the host name and the path: pass both on unchanged.
server {
    listen 80;
    listen [::]:80;
    server_name $name;
    location /.well-known/acme-challenge/ { root /var/www/html; }
    location / { return 301 $url$$request_uri; }
}

server {
    listen $port ssl;
    listen [::]:$port ssl;
    http2 on;
    server_name $name;
    ssl_certificate     /etc/letsencrypt/live/$name/fullchain.pem;
    ssl_certificate_key /etc/letsencrypt/live/$name/privkey.pem;
    client_max_body_size $body;
    access_log off;

    location = /media-attestations {
        client_max_body_size $media;
        # The relay knows who sends before it takes the file: do not take it for everybody first.
        proxy_request_buffering off;
        proxy_pass http://$upstream;
        proxy_http_version 1.1;
        proxy_set_header Host $$http_host;
        proxy_set_header X-Forwarded-For $$remote_addr;
        proxy_set_header X-Forwarded-Proto https;
        proxy_set_header Connection "";
    }
    location / {
        proxy_pass http://$upstream;
        proxy_http_version 1.1;
        proxy_set_header Host $$http_host;
        proxy_set_header X-Forwarded-For $$remote_addr;
        proxy_set_header X-Forwarded-Proto https;
        proxy_set_header Connection "";
    }
}
""")

CADDY: Final = Template("""\
# A part of /etc/caddy/Caddyfile; Caddy gets the certificate by itself.
$host {
    @media path /media-attestations
    @other not path /media-attestations
    request_body @media {
        max_size $media
    }
    request_body @other {
        max_size $body
    }
    reverse_proxy $upstream
}
""")

SYSTEMD: Final = Template("""\
# /etc/systemd/system/assay.service  (then: systemctl daemon-reload; systemctl enable --now assay)
[Unit]
Description=Assay, an ActivityPub relay ($url)
After=network-online.target
Wants=network-online.target

[Service]
User=$user
WorkingDirectory="$directory"
ExecStart="$command" --config "$config" serve
ExecReload="$command" --config "$config" reload
# The relay tells its own processes when to stop.
KillMode=mixed
Restart=on-failure
RestartSec=5
# 78: the configuration is wrong, and starting again does not mend it.
RestartPreventExitStatus=78
TimeoutStopSec=30
LimitNOFILE=65536
UMask=0077
NoNewPrivileges=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectSystem=strict
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
RestrictSUIDSGID=yes
LockPersonality=yes
ReadWritePaths="$data"

[Install]
WantedBy=multi-user.target
""")

STEPS: Final = Template("""\
1. DNS: point the name at this machine, with the addresses it has.
     $name.  3600  IN  A     <IPv4 address>
     $name.  3600  IN  AAAA  <IPv6 address>
2. Reverse proxy with TLS, one of:
     $folder/Caddyfile   (gets its certificate by itself)
     $folder/nginx.conf  (certificate: certbot certonly --webroot -w /var/www/html -d $name)
3. Service: $folder/assay.service; it runs as user "$user".$account
     sudo cp $folder/assay.service /etc/systemd/system/
     sudo systemctl daemon-reload && sudo systemctl enable --now assay
4. Look: assay check-config, assay status, and $url/ in a browser.
5. Tell admins of other servers what to add as a relay:
     Mastodon, Misskey, Sharkey             $url/inbox
     Pleroma, Akkoma, GoToSocial            $url/actor
   Then: assay subscribers list, assay subscribers approve SERVER
6. Keep a copy of $data: who loses its keys loses every subscriber.
""")

LOCAL_STEPS: Final = Template("""\
1. Run it: assay serve
2. Look: $url/ in a browser, and assay status.
A relay on $host is for trying things out: other servers cannot reach it. For a real one:
assay init https://relay.example.org
""")


@dataclass(frozen=True, slots=True)
class Deployment:
    """Where one relay runs. `command` is the executable, `user` who runs the service."""

    url: str
    listen: Address
    config: Path
    data: Path
    command: Path
    user: str
    max_body: int
    max_media: int

    def files(self) -> dict[str, str]:
        """Return the files that a server needs, by name; none for a local relay."""
        if is_local(self.url):
            return {}
        templates = {"nginx.conf": NGINX, "Caddyfile": CADDY, "assay.service": SYSTEMD}
        return {name: template.substitute(self._words()) for name, template in templates.items()}

    def steps(self, folder: Path) -> str:
        """Return what is to do next; `folder` is where the files are."""
        template = LOCAL_STEPS if is_local(self.url) else STEPS
        home = self.config.parent
        account = (
            f"\n     sudo useradd --system --home-dir {home} {self.user} && sudo chown -R {self.user}: {home}"
            if self.user == "assay"
            else ""
        )
        return template.substitute(self._words() | {"folder": str(folder), "account": account})

    def _words(self) -> dict[str, str]:
        parts = urlsplit(self.url)
        return {
            "url": self.url,
            "host": parts.netloc,
            "name": parts.hostname or "",
            "port": str(parts.port or 443),
            "upstream": str(self.listen),
            "body": str(self.max_body),
            "media": str(self.max_media),
            "directory": str(self.config.parent),
            "config": str(self.config),
            "command": str(self.command),
            "data": str(self.data),
            "user": self.user,
        }


def is_local(url: str) -> bool:
    """Whether a URL is of this machine only."""
    name = urlsplit(url).hostname or ""
    return name == "localhost" or name.startswith("127.") or name == "::1"
