"""The advice that makes the right account on a host: one that can only read, whatever the gateway does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.protocols.ssh.quoting import quoted

if TYPE_CHECKING:
    from gateway.domain.endpoint import Endpoint


def harden(endpoint: Endpoint) -> str:
    """Return a script for root on the host, to be read before it is run; again it changes nothing.

    Args:
        endpoint: whose account it makes right.
    """
    name, login = " ".join(endpoint.name.split()), quoted(endpoint.username)
    return f"""#!/bin/sh
# The account that the gateway reads {name} with. Run by root on that host; again changes nothing.
set -eu
login={login}
home=/var/empty/$login

# it logs in with a POSIX shell, and owns nothing: its home and what runs from there are root's
id "$login" >/dev/null 2>&1 || useradd --system --no-create-home --home-dir "$home" --shell /bin/sh "$login"
usermod --home "$home" --shell /bin/sh "$login"
install -d -o root -g root -m 0755 "$home" "$home/.ssh"
touch "$home/.ssh/authorized_keys"
chown root:root "$home/.ssh/authorized_keys"
chmod 0644 "$home/.ssh/authorized_keys"
# then put the gateway's public key into $home/.ssh/authorized_keys, with these options before it:
#   restrict,pty ssh-ed25519 AAAA...

# it reads logs and the journal by its groups, so that no sudo is needed
for group in adm systemd-journal; do
  if getent group "$group" >/dev/null; then usermod --append --groups "$group" "$login"; fi
done
gpasswd --delete "$login" sudo 2>/dev/null || true
gpasswd --delete "$login" docker 2>/dev/null || true

# sshd: nothing but sessions for it, and enough of them on one connection
cat > /etc/ssh/sshd_config.d/60-glassgate.conf <<CONFIG
Match User $login
    AllowTcpForwarding no
    AllowAgentForwarding no
    AllowStreamLocalForwarding no
    X11Forwarding no
    PermitTunnel no
    PermitUserRC no
    PermitUserEnvironment no
    MaxSessions 50
Match all
CONFIG
sshd -t && (systemctl reload ssh 2>/dev/null || systemctl reload sshd)

# the kernel guard is set up by what is there already: /usr/bin/perl or /usr/bin/python3, else bubblewrap
[ -x /usr/bin/perl ] || [ -x /usr/bin/python3 ] || [ -x /usr/bin/bwrap ] ||
  echo "install perl, python3 or bubblewrap: there is no guard without"

# and look whether all is right: glassgate endpoint check {name}
"""
