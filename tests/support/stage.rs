//! The founding incident, staged with the real nginx and the real apache2.

use super::machine::{Machine, Output};
use super::needs::{Need, needs};
use std::ops::Deref;

/// The web server of Spot's Spot on a [`Machine`] of its own, before, during and after the attack.
///
/// ```ignore
/// let Some(stage) = Stage::healthy() else { return };
/// stage.write("/mnt/web.yaml", POLICY);
/// assert_eq!(stage.run(&["check", "web.yaml"]).status, Some(0));
/// stage.attack();
/// assert_eq!(stage.run(&["check", "web.yaml"]).status, Some(1));
/// ```
///
/// Where control groups can be made, nginx is in `nginx.service` and apache2 in `apache2.service`
/// (see [`Machine::has_units`]).
pub struct Stage {
    machine: Machine,
}

impl Deref for Stage {
    type Target = Machine;

    fn deref(&self) -> &Machine {
        &self.machine
    }
}

impl Stage {
    /// The port on which nginx belongs.
    pub const PORT: u16 = 8080;
    /// The port that the attacker wrote into `nginx.conf`.
    pub const ATTACKERS_PORT: u16 = 8081;

    /// Before: nginx runs as the user nginx, master and workers, and listens on port 8080; all of
    /// `/etc/nginx` belongs to nginx:nginx. `None`, said loudly, where that cannot be staged.
    pub fn healthy() -> Option<Self> {
        let wanted = [
            Need::Root,
            Need::Namespaces,
            Need::Command("nginx"),
            Need::Command("apache2"),
            Need::Command("ip"),
        ];
        if !needs(&wanted) {
            return None;
        }
        let stage = Self { machine: Machine::new() };
        stage.write("/etc/nginx/nginx.conf", NGINX_CONF);
        stage.write("/etc/apache2/ports.conf", "Listen 8080\n");
        stage.must(INSTALL);
        stage.start_nginx(AS_NGINX);
        Some(stage)
    }

    /// During: nginx is gone and apache2 is bound to its port; `nginx.conf` is root:root, mode
    /// 0000, and its `listen` port another.
    pub fn attack(&self) {
        self.stop("nginx", "/run/nginx/nginx.pid");
        self.must(
            "sed -i 's/listen 8080;/listen 8081;/' /etc/nginx/nginx.conf
             chown root:root /etc/nginx/nginx.conf
             chmod 0000 /etc/nginx/nginx.conf",
        );
        self.start("apache2.service", ". /etc/apache2/envvars; apache2 -k start");
        self.until("apache2 listens", || self.listens(Self::PORT));
        // Children start as root and become www-data a moment later.
        self.until("the children of apache2 run as www-data", || {
            self.sh("test \"$(pgrep -c -u root -x apache2)\" = 1").status == Some(0)
        });
    }

    /// After: exactly what the engineers did. They killed apache2, `chown nginx:nginx nginx.conf`,
    /// `chmod u+rwx nginx.conf` (so its mode is 0700 now), and started nginx with its old port.
    pub fn repair(&self) {
        self.stop("apache2", "/run/apache2/apache2.pid");
        self.must(
            "cd /etc/nginx
             chown nginx:nginx nginx.conf
             chmod u+rwx nginx.conf
             sed -i 's/listen 8081;/listen 8080;/' nginx.conf",
        );
        self.start_nginx(AS_NGINX);
    }

    /// The condition that the attack made use of: nginx's master runs as root, its workers as the
    /// user nginx.
    pub fn nginx_as_root(&self) {
        self.stop("nginx", "/run/nginx/nginx.pid");
        self.start_nginx("");
    }

    fn start_nginx(&self, wrapper: &str) {
        self.start("nginx.service", &format!("{wrapper} nginx"));
        self.until("nginx listens", || self.listens(Self::PORT));
        // The master listens before it has all of its workers.
        self.until("nginx has its workers", || {
            let master = "$(cat /run/nginx/nginx.pid)";
            self.sh(&format!("pgrep --count --parent {master}")).stdout == "2\n"
        });
    }

    fn stop(&self, name: &str, pid_file: &str) {
        self.must(&format!("kill $(cat {pid_file})"));
        self.until("it has ended", || self.sh(&format!("pgrep -x {name}")).status == Some(1));
    }
}

const AS_NGINX: &str = "setpriv --reuid=nginx --regid=nginx --clear-groups --inh-caps=-all";

/// Not the package's: no path in it may lead out of the staged directories.
const NGINX_CONF: &str = r#"user nginx;
worker_processes 2;
pid /run/nginx/nginx.pid;

events {
    worker_connections 64;
}

http {
    access_log /var/log/nginx/access.log;

    server {
        listen 8080;
        default_type text/plain;
        location / {
            return 200 "Spot's Spot\n";
        }
    }
}
"#;

/// Gives nginx an account and everything it writes to. Log files are made beforehand: those made by
/// a master that runs as root could not be opened by one that does not.
const INSTALL: &str = r#"
set -eu
if ! getent passwd nginx >/dev/null; then
    id=899
    while getent passwd "$id" >/dev/null || getent group "$id" >/dev/null; do id=$((id - 1)); done
    echo "nginx:x:$id:$id:nginx user:/nonexistent:/usr/sbin/nologin" >> /etc/passwd
    echo "nginx:x:$id:" >> /etc/group
    echo 'nginx:!:19000::::::' >> /etc/shadow
fi
chown -R nginx:nginx /etc/nginx
chmod 0640 /etc/nginx/nginx.conf
mkdir -p /run/nginx /run/lock /run/apache2 /var/log/nginx /var/log/apache2
touch /var/log/nginx/access.log /var/log/nginx/error.log
chown -R nginx:nginx /run/nginx /var/log/nginx /var/lib/nginx
"#;
