//! What each fuzz target does with its input. `tests/formats/fuzz_corpus.rs` replays the corpus through
//! the same functions with an ordinary compiler.

use spotcheck::formats::{FORMATS, Format};
use spotcheck::targets::memory::Memory;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use spotcheck::facts::file::FileKind;
use spotcheck::facts::listener::Protocol;
use spotcheck::formats::tar::{Streamed, Tar};
use spotcheck::formats::{acl, cron, elf, filecap, ld_so_conf, passwd, sudoers};
use spotcheck::host::Wants;
use spotcheck::targets::image::layer::{Change, Content, Entry, HardLink};
use spotcheck::targets::image::limits::Limits;
use spotcheck::targets::image::{Choice, config, layer, manifest, merge, parts};
use spotcheck::targets::live::sockets::Family;
use spotcheck::targets::live::{cgroup, mountinfo, proc_net, sock_diag, stat, status};

/// Targets that are not formats of `config:`.
pub const OTHERS: [&str; 17] = [
    "passwd",
    "acl",
    "proc",
    "sock_diag",
    "policy",
    "tar",
    "archive",
    "manifest",
    "merge",
    "baseline",
    "package_files",
    "recording",
    "sudoers",
    "elf",
    "ld_so_conf",
    "cron",
    "import",
];

/// The fuzz target of a format: programs have no dots in their names.
pub fn name(format: &str) -> String {
    format.replace('.', "_")
}

/// Does what the fuzz target of that name does.
pub fn run(target: &str, data: &[u8]) {
    match target {
        "passwd" => {
            let _ = passwd::users("/etc/passwd", data);
            let _ = passwd::groups("/etc/group", data);
            let _ = passwd::shadow("/etc/shadow", data);
        }
        "acl" => drop(acl::parse(data)),
        "proc" => proc(data),
        "sock_diag" => {
            let sequence = data.get(8..12).and_then(|word| word.try_into().ok());
            let sequence = sequence.map(u32::from_ne_bytes).unwrap_or_default();
            drop(sock_diag::parse(data, sequence, Protocol::Tcp));
            drop(sock_diag::parse(data, sequence, Protocol::Udp));
        }
        "policy" => policy(data),
        "import" => import(data),
        "tar" => tar(data),
        "archive" => drop(parts::stream(
            data,
            &spotcheck::targets::image::wants::Wanted::of(&Wants::default()),
            &Limits::default(),
        )),
        "manifest" => manifest(data),
        "merge" => merge(data),
        "baseline" => baseline(data),
        "package_files" => package_files(data),
        "recording" => recording(data),
        "sudoers" => {
            let host = Memory::new().file(sudoers::SUDOERS, 0o440, 0, 0, data);
            drop(sudoers::read(&host, "host"));
        }
        "elf" => drop(elf::parse(data)),
        "ld_so_conf" => {
            let host = Memory::new().file(ld_so_conf::CONF, 0o644, 0, 0, data);
            drop(ld_so_conf::read(&host));
        }
        "cron" => {
            let host = Memory::new()
                .file("/etc/crontab", 0o644, 0, 0, data)
                .file("/etc/anacrontab", 0o644, 0, 0, data)
                .file("/var/spool/cron/crontabs/bob", 0o600, 0, 0, data);
            drop(cron::read(&host, true));
        }
        name => format(name, data),
    }
}

/// A baseline, with the digest at its end set right, so that what is behind it is reached.
fn baseline(data: &[u8]) {
    drop(spotcheck::drift::baseline::decode(data));
    let body = data.get(..data.len().saturating_sub(32)).unwrap_or_default();
    let sealed = [body, blake3::hash(body).as_bytes()].concat();
    if let Ok(baseline) = spotcheck::drift::baseline::decode(&sealed) {
        drop(spotcheck::drift::baseline::encode(&baseline));
    }
    drop(spotcheck::drift::store::history::History::parse(&String::from_utf8_lossy(data)));
}

/// Every file of every package database.
fn package_files(data: &[u8]) {
    let files = Memory::new()
        .file("/var/lib/dpkg/status", 0o644, 0, 0, data)
        .file("/var/lib/dpkg/status.d/x", 0o644, 0, 0, data)
        .file("/var/lib/dpkg/status.d/x.md5sums", 0o644, 0, 0, data)
        .file("/var/lib/dpkg/info/x.md5sums", 0o644, 0, 0, data)
        .file("/var/lib/dpkg/info/x.list", 0o644, 0, 0, data)
        .file("/var/lib/dpkg/diversions", 0o644, 0, 0, data)
        .file("/var/lib/dpkg/statoverride", 0o644, 0, 0, data)
        .file("/var/lib/dpkg/alternatives/x", 0o644, 0, 0, data)
        .file("/var/lib/ucf/hashfile", 0o644, 0, 0, data)
        .file("/var/lib/ucf/registry", 0o644, 0, 0, data)
        .file("/var/lib/rpm/rpmdb.sqlite", 0o644, 0, 0, data)
        .file("/lib/apk/db/installed", 0o644, 0, 0, data);
    let all = spotcheck::formats::packages::files::read(&files, None);
    for path in all.claims.keys().take(20) {
        all.claims(path);
    }
}

/// Files of `/proc`, which hold what processes chose.
fn proc(data: &[u8]) {
    drop(stat::parse(data));
    drop(status::parse(1, data));
    drop(cgroup::parse(data));
    let _ = mountinfo::hide_pid(data);
    for family in [Family::V4, Family::V6] {
        drop(proc_net::parse(data, Protocol::Tcp, family));
    }
    if let Ok(path) = std::str::from_utf8(data) {
        drop(cgroup::system_unit(path));
        drop(cgroup::user_unit(path));
        cgroup::machine(path);
        cgroup::container(path);
    }
}

/// A policy, read, its demands too, and every error rendered.
fn policy(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    // Files of the machine that fuzzes are not part of the input.
    let text = &text.replace("include", "exclude");
    let mut problems = spotcheck::policy::Diagnostics::default();
    let vars = spotcheck::policy::vars::Vars::default();
    let policies = spotcheck::policy::load::load_text("fuzz.yaml", text, &vars, &mut problems);
    spotcheck::rules::plan::Plan::compile(policies, spotcheck::checks::SUBJECTS, &mut problems);
    for problem in problems.into_sorted() {
        problem.render(false);
    }
}

/// Whatever another tool's file holds, the policy that is made of it can be read, and nothing is lost
/// without a word.
fn import(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut import = spotcheck::import::Import::new();
    if import.add(Path::new("fuzz.yaml"), text).is_err() {
        return;
    }
    let policy = import.policy("fuzz", spotcheck::checks::SUBJECTS);
    let mut problems = spotcheck::policy::Diagnostics::default();
    let vars = spotcheck::policy::vars::Vars::default();
    let policies = spotcheck::policy::load::load_text("fuzz.yaml", &policy, &vars, &mut problems);
    spotcheck::rules::plan::Plan::compile(policies, spotcheck::checks::SUBJECTS, &mut problems);
    assert!(problems.is_empty(), "{policy}");
    assert_eq!(import.left_out(), policy.contains("\n# not carried over\n"), "{policy}");
}

/// A recording, judged by policies that ask about everything in it.
fn recording(data: &[u8]) {
    let Ok(recording) = spotcheck::targets::recording::store::decode(data) else { return };
    let target = spotcheck::targets::recording::Playback::new(recording);
    for policy in
        [include_str!("../../policies/nginx.yaml"), include_str!("../../policies/host.yaml")]
    {
        let mut problems = spotcheck::policy::Diagnostics::default();
        let vars = spotcheck::policy::vars::Vars::default();
        let policies =
            spotcheck::policy::load::load_text("fuzz.yaml", policy, &vars, &mut problems);
        drop(
            spotcheck::rules::plan::Plan::compile(
                policies,
                spotcheck::checks::SUBJECTS,
                &mut problems,
            )
            .evaluate(&target),
        );
    }
}

/// Every member of a tar archive, its bytes too.
fn tar(data: &[u8]) {
    let mut tar = Tar::new(Streamed(data));
    while let Ok(Some(member)) = tar.next_member() {
        drop(filecap::parse(&member.capability.unwrap_or_default()));
        if tar.content(1 << 20).is_err() {
            break;
        }
    }
}

/// The documents of an image, whichever is asked for.
fn manifest(data: &[u8]) {
    let candidates = manifest::candidates(&|_| Ok(Some(data.to_vec())));
    drop(candidates.and_then(|found| Choice::default().of(found)));
    if let Ok(document) = config::read(data) {
        config::created_by(&document.config.history, document.diff_ids.len());
    }
}

/// Layers written as lines: `w path`, `o path`, `d path`, `f path`, `s path target`,
/// `h path other`, and `-` for the next layer.
fn merge(data: &[u8]) {
    let mut layers = vec![Vec::new()];
    for line in data.split(|byte| *byte == b'\n').take(2000) {
        let mut words = line.splitn(3, |byte| *byte == b' ');
        let kind = words.next().unwrap_or_default();
        let mut name = || layer::normal(words.next().unwrap_or_default()).unwrap_or_default();
        let path = name();
        let change = match kind {
            b"-" => {
                layers.push(Vec::new());
                continue;
            }
            b"w" => Change::Whiteout(path),
            b"o" => Change::Opaque(path),
            b"h" => Change::HardLink(Box::new(HardLink {
                path,
                to: name(),
                uid: 0,
                gid: 0,
                mode: 0,
                acl: None,
                capability: None,
            })),
            b"s" => {
                let link = words.next().unwrap_or_default().to_vec();
                put(path, FileKind::Symlink, link)
            }
            b"d" => put(path, FileKind::Directory, Vec::new()),
            _ => put(path, FileKind::File, Vec::new()),
        };
        if let Some(layer) = layers.last_mut() {
            layer.push(change);
        }
    }
    let Ok(tree) = merge::merge(layers) else { return };
    for line in data.split(|byte| *byte == b'\n').take(100) {
        let path = Path::new("/").join(Path::new(std::ffi::OsStr::from_bytes(line)));
        if let Ok(Some(id)) = tree.resolve(&path, true) {
            tree.fact(id);
            tree.names(id);
        }
    }
}

fn put(path: Vec<u8>, kind: FileKind, link: Vec<u8>) -> Change {
    Change::Put(Box::new(Entry {
        path,
        kind,
        uid: 0,
        gid: 0,
        mode: 0o644,
        size: 0,
        modified: 0,
        link,
        acl: None,
        capability: None,
        content: Content::None,
        sums: None,
        secret: None,
        parts: None,
    }))
}

/// Gives `data` to the parser of a format, as the main file and as every file that it includes.
fn format(name: &str, data: &[u8]) {
    let path = match name {
        "nginx" => "/etc/nginx/nginx.conf",
        "sshd" => "/etc/ssh/sshd_config",
        "systemd" => "/etc/systemd/system/a-b@c.service",
        "apache" => "/etc/apache2/apache2.conf",
        "mysql" => "/etc/mysql/my.cnf",
        "supervisord" => "/etc/supervisor/supervisord.conf",
        "postgresql" => "/etc/postgresql/postgresql.conf",
        "redis" => "/etc/redis/redis.conf",
        "php" => "/etc/php/8.2/cli/php.ini",
        _ => "/etc/file",
    };
    let files = Memory::new()
        .file(path, 0o644, 0, 0, data)
        .file("/etc/nginx/part", 0o644, 0, 0, data)
        .file("/etc/apache2/part", 0o644, 0, 0, data)
        .file("/etc/apache2/envvars", 0o644, 0, 0, data)
        .file("/etc/mysql/part.cnf", 0o644, 0, 0, data)
        .file("/etc/supervisor/part", 0o644, 0, 0, data)
        .file("/etc/postgresql/part.conf", 0o644, 0, 0, data)
        .file("/etc/postgresql/PG_VERSION", 0o644, 0, 0, "15")
        .file("/etc/redis/part", 0o644, 0, 0, data)
        .file("/etc/php/8.2/cli/conf.d/part.ini", 0o644, 0, 0, data)
        .file("/etc/ssh/part", 0o644, 0, 0, data)
        .file("/etc/systemd/system/a-.service.d/part.conf", 0o644, 0, 0, data);
    let is_it = |format: &&Format| self::name(format.name) == name;
    let format = FORMATS.iter().find(is_it);
    assert!(format.is_some(), "{name}: neither a format nor a target of its own");
    let Some(format) = format else { return };
    let Ok(settings) = (format.parse)(&files, Path::new(path), data) else { return };
    let blocks = settings.root.blocks.iter();
    let paths = blocks.flat_map(|block| block.settings.iter().map(move |setting| (block, setting)));
    for (block, setting) in paths.take(20) {
        settings.lookup(&format!("\"{}\".\"{}\"", block.name, setting.name));
    }
}
