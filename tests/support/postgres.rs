//! A real PostgreSQL server of the tests' own: a Unix socket, and TCP with a certificate.

use super::needs::{Need, needs};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// The server of this test process. It ends with the process, however that ends.
pub struct Server {
    folder: PathBuf,
    programs: PathBuf,
    port: u16,
}

/// Makes certificate authority, certificate and cluster, runs the server until standard input ends,
/// and takes everything away again.
const RUN: &str = r#"
set -eu
cd "$1"; bin=$2; port=$3
as() { if [ "$(id -u)" = 0 ]; then setpriv --reuid=postgres --regid=postgres --init-groups "$@"; else "$@"; fi; }
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.pem
openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr
printf 'subjectAltName=DNS:localhost\n' > names
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.pem
chmod 0600 server.key
if [ "$(id -u)" = 0 ]; then chown -R postgres .; fi
as "$bin/initdb" -D data -U postgres --auth=trust --no-sync -E UTF8 --locale=C
as "$bin/postgres" -D data -c fsync=off -c unix_socket_directories="$1" -c listen_addresses=localhost \
    -c port="$port" -c ssl=on -c ssl_cert_file="$1/server.pem" -c ssl_key_file="$1/server.key" &
server=$!
read -r _ || true
kill -INT "$(head -n 1 data/postmaster.pid)"
wait $server || true
rm -rf "$1"
"#;

impl Server {
    /// The server, started when it is first asked for; `None`, said loudly, where there can be none.
    pub fn get() -> Option<&'static Server> {
        static SERVER: OnceLock<Option<Server>> = OnceLock::new();
        SERVER.get_or_init(Self::start).as_ref()
    }

    // Nobody can wait for it: it ends after this process.
    #[allow(clippy::zombie_processes)]
    fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            let all = std::env::var("SPOTCHECK_REQUIRE_ALL").is_ok_and(|value| value == "1");
            assert!(!all, "the PostgreSQL server is missing");
            eprintln!("SKIPPED (needs the PostgreSQL server)");
            return None;
        };
        if !needs(&[Need::Command("openssl"), Need::Command("setpriv")]) {
            return None;
        }
        let folder = tempfile::Builder::new().prefix("pg").tempdir().unwrap().keep();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let log = fs::File::create(folder.join("log")).unwrap();
        // The shell ends when this process does, which closes its standard input.
        #[allow(clippy::zombie_processes)]
        let mut shell = Command::new("sh")
            .args(["-c", RUN, "sh"])
            .args([&folder, &programs])
            .arg(port.to_string())
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        // Never closed by us: the kernel does it when this process ends.
        std::mem::forget(shell.stdin.take());
        let server = Self { folder, programs, port };
        let start = Instant::now();
        while !server.psql("SELECT 1") {
            let log = || fs::read_to_string(server.folder.join("log")).unwrap_or_default();
            assert!(start.elapsed() < Duration::from_secs(60), "{}", log());
            assert!(matches!(shell.try_wait(), Ok(None)), "{}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(server)
    }

    /// Runs a statement as the superuser; whether that worked.
    pub fn psql(&self, statement: &str) -> bool {
        Command::new(self.programs.join("psql"))
            .args(["-qX", "-U", "postgres", "-d", "postgres", "-p", &self.port.to_string(), "-h"])
            .arg(&self.folder)
            .args(["-c", statement])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }

    /// The name of a new database.
    pub fn database(&self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("test{}", NEXT.fetch_add(1, Ordering::Relaxed));
        assert!(self.psql(&format!("CREATE DATABASE {name}")));
        name
    }

    /// URL of a database by the Unix socket.
    pub fn socket_url(&self, database: &str) -> String {
        let folder = self.folder.to_string_lossy().replace('/', "%2F");
        format!("postgres://postgres@{folder}:{}/{database}", self.port)
    }

    /// URL of a database by TCP.
    pub fn tcp_url(&self, host: &str, database: &str) -> String {
        format!("postgres://postgres@{host}:{}/{database}", self.port)
    }

    /// The certificate of the authority that vouches for the server.
    pub fn authority(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }
}

/// Debian keeps the programs of each version in a directory of its own.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut found: Vec<PathBuf> = versions
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .filter(|path: &PathBuf| Path::new(&path.join("postgres")).exists())
        .collect();
    found.sort();
    found.pop()
}
