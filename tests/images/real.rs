//! Real images, made without a daemon, against what the tools that unpack them make of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::archive::Tar;
use crate::support::random::Random;
use crate::support::{Need, needs};
use spotcheck::facts::file::FileKind;
use spotcheck::host::Files;
use spotcheck::host::Wants;
use spotcheck::targets::image::{Choice, open};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// An image made by umoci: a first layer of some directories of this machine, a second one that
/// changes, replaces and removes some of it.
const MAKE: &str = r#"
set -eu
umoci init --layout oci
umoci new --image oci:app
umoci unpack --image oci:app bundle
cd bundle/rootfs
mkdir -p usr/bin etc/app/conf.d opt/old/deep home var/tmp srv
cp -a /usr/bin/id /usr/bin/env usr/bin/
cp -a /etc/passwd /etc/group /etc/shadow etc/
ln -s usr/bin bin
ln usr/bin/id usr/bin/id.hard
echo one > etc/app/one; echo two > etc/app/two; echo x > opt/old/deep/x; echo y > opt/old/y
chmod 4755 usr/bin/env; chmod 1777 var/tmp; chown 4242:4343 srv; chmod 2750 srv
setcap cap_net_bind_service,cap_sys_admin+ep usr/bin/id
setfacl -m u:1000:r,g:33:rw etc/app/one
mkfifo var/pipe; mknod var/null c 1 3
touch "etc/app/$(printf 'odd-\377')" "etc/app/with space"
n=$(printf 'n%.0s' $(seq 1 200)); mkdir -p "home/$n"; echo long > "home/$n/$n"
cd ../..
umoci repack --image oci:app --history.created_by 'COPY base /' bundle
rm -rf bundle
umoci unpack --image oci:app bundle
cd bundle/rootfs
rm etc/app/two; rm -r opt/old; mkdir opt/old; echo new > opt/old/new
rm usr/bin/id
chmod 0600 etc/app/one
rm -r etc/app/conf.d; echo file > etc/app/conf.d
rm bin; mkdir bin; echo tool > bin/tool
cd ../..
umoci repack --image oci:app --history.created_by 'RUN change' bundle
umoci config --image oci:app --config.user 4242 --config.exposedports 8080/tcp
rm -rf bundle
umoci unpack --image oci:app bundle
skopeo --insecure-policy copy -q oci:oci:app oci-archive:app.oci.tar:shop/app:1
skopeo --insecure-policy copy -q oci:oci:app docker-archive:app.docker.tar:shop/app:1
skopeo --insecure-policy copy -q --dest-compress --dest-compress-format zstd oci:oci:app dir:dir
"#;

/// Everything about a file that both can tell, and the attributes that `getfattr` would show.
fn line(path: &str, kind: FileKind, uid: u32, gid: u32, mode: u16, rest: &str) -> String {
    format!("{path} {} {uid}:{gid} {mode:04o} {rest}", kind.name())
}

fn unpacked(root: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    let mut pending = vec![root.to_path_buf()];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let meta = path.symlink_metadata().unwrap();
            let kind = match meta.mode() & 0o170_000 {
                0o040_000 => FileKind::Directory,
                0o120_000 => FileKind::Symlink,
                0o100_000 => FileKind::File,
                0o010_000 => FileKind::Fifo,
                0o020_000 => FileKind::CharDevice,
                _ => FileKind::BlockDevice,
            };
            let rest = match kind {
                FileKind::Symlink => fs::read_link(&path).unwrap().display().to_string(),
                FileKind::File => {
                    let has = |name: &str| xattr::get(&path, name).unwrap().is_some();
                    format!(
                        "{} bytes, {} links, caps {}, acl {}",
                        meta.len(),
                        meta.nlink(),
                        has("security.capability"),
                        has("system.posix_acl_access")
                    )
                }
                _ => String::new(),
            };
            let inside = Path::new("/").join(path.strip_prefix(root).unwrap());
            let mode = (meta.mode() & 0o7777) as u16;
            lines.push(line(
                &spotcheck::text::path(&inside),
                kind,
                meta.uid(),
                meta.gid(),
                mode,
                &rest,
            ));
            if kind == FileKind::Directory {
                pending.push(path);
            }
        }
    }
    lines.sort();
    lines
}

fn seen(files: &dyn Files) -> Vec<String> {
    let mut lines = Vec::new();
    let mut pending = vec![PathBuf::from("/")];
    while let Some(folder) = pending.pop() {
        for name in files.list(&folder).unwrap().unwrap().iter() {
            let path = folder.join(name);
            let fact = files.file(&path).unwrap().unwrap();
            let rest = match fact.kind {
                FileKind::Symlink => fact.link_target.clone().unwrap().display().to_string(),
                FileKind::File => format!(
                    "{} bytes, {} links, caps {}, acl {}",
                    fact.size,
                    fact.links,
                    files.file_capabilities(&path).unwrap().is_some(),
                    files.acl(&path).unwrap().is_some()
                ),
                _ => String::new(),
            };
            let text = spotcheck::text::path(&path);
            lines.push(line(&text, fact.kind, fact.uid, fact.gid, fact.mode.0, &rest));
            if fact.kind == FileKind::Directory {
                pending.push(path);
            }
        }
    }
    lines.sort();
    lines
}

/// Differential: umoci unpacks the same tree that is seen here, from every kind of archive.
#[test]
fn an_image_is_seen_as_umoci_unpacks_it() {
    let wanted = [
        Need::Root,
        Need::Command("umoci"),
        Need::Command("skopeo"),
        Need::Command("setcap"),
        Need::Command("setfacl"),
    ];
    if !needs(&wanted) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new("sh").args(["-c", MAKE]).current_dir(&folder).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let expected = unpacked(&folder.path().join("bundle/rootfs"));
    assert!(expected.len() > 25);
    for archive in ["oci", "app.oci.tar", "app.docker.tar", "dir"] {
        let image = &open(&folder.path().join(archive), &Choice::default(), &Wants::default())
            .unwrap_or_else(|why| panic!("{archive}: {why}"))[0];
        assert_eq!(seen(image), expected, "{archive}");
    }
    // And a root filesystem is what it is.
    let rootfs = spotcheck::targets::rootfs::Rootfs::open(&folder.path().join("bundle/rootfs"));
    assert_eq!(seen(&rootfs.unwrap()), expected);
}

/// A layer at random: names of few letters, so that layers meet, and what makes merging hard.
fn random_layer(random: &mut Random, files: &mut Vec<(String, (u64, u64))>) -> Tar {
    let name = |random: &mut Random| {
        let names = (0..1 + random.below(3)).map(|_| ["a", "b", "c"][random.below(3)]);
        names.collect::<Vec<_>>().join("/")
    };
    let beside = |path: &str, name: &str| match path.rsplit_once('/') {
        Some((folder, _)) => format!("{folder}/{name}"),
        None => name.to_owned(),
    };
    let mut tar = Tar::new();
    for _ in 0..random.below(9) {
        let path = name(random);
        let owner = (random.below(3) as u64, random.below(3) as u64);
        let mode = [0o644, 0o755, 0o4755, 0o2750, 0o600][random.below(5)];
        tar = match random.below(20) {
            0..5 => {
                if random.chance(20) {
                    let acl_free = b"\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
                    tar = tar.pax(&[("SCHILY.xattr.security.capability", acl_free)]);
                }
                files.push((path.clone(), owner));
                tar.owned(&format!("./{path}"), mode, owner, &"x".repeat(random.below(9)))
            }
            // Without setgid: what a directory hands down to those that nobody describes is up to the
            // filesystem and the engine.
            5..10 => tar.member(b'5', format!("{path}/"), "", mode & 0o5777, owner, ""),
            10..13 => {
                let to = ["a", "b/c", "../a", "/c", "../../../b", "none"][random.below(6)];
                tar.symlink(&path, to)
            }
            13..15 => match files.get(random.below(files.len().max(1))) {
                Some((to, owner)) => tar.member(b'1', path, to, 0o600, *owner, ""),
                None => tar,
            },
            15..18 => {
                let last = path.rsplit('/').next().unwrap().to_owned();
                tar.file(beside(&path, &format!(".wh.{last}")), "")
            }
            18 => tar.file(beside(&path, ".wh..wh..opq"), ""),
            _ => tar.member(b'6', path, "", mode, owner, ""),
        };
    }
    tar
}

/// Differential: layers at random, merged here and by umoci.
#[test]
fn layers_at_random_are_merged_as_umoci_merges_them() {
    if !needs(&[Need::Root, Need::Command("umoci")]) {
        return;
    }
    let mut random = Random(13);
    let (mut same, mut refused, mut failed) = (0, 0, 0);
    for number in 0..200 {
        let folder = tempfile::tempdir().unwrap();
        let mut files = Vec::new();
        let layers: Vec<Tar> =
            (0..1 + random.below(4)).map(|_| random_layer(&mut random, &mut files)).collect();
        let mut script = "umoci init --layout oci && umoci new --image oci:app".to_owned();
        for (index, layer) in layers.iter().enumerate() {
            fs::write(folder.path().join(format!("{index}.tar")), layer.clone().finish()).unwrap();
            script += &format!(" && umoci raw add-layer --image oci:app {index}.tar");
        }
        script += " && umoci unpack --image oci:app bundle";
        let made = Command::new("sh").args(["-c", &script]).current_dir(&folder).output().unwrap();
        let ours = open(&folder.path().join("oci"), &Choice::default(), &Wants::default());
        match (made.status.success(), ours) {
            (true, Ok(images)) => {
                let expected = unpacked(&folder.path().join("bundle/rootfs"));
                assert_eq!(seen(&images[0]), expected, "stack {number}");
                same += 1;
            }
            // Where engines do not agree nothing is judged.
            (true, Err(why)) => {
                let known = ["symbolic link", "a hard link", "no directory"];
                assert!(known.iter().any(|words| why.contains(words)), "stack {number}: {why}");
                refused += 1;
            }
            (false, _) => failed += 1,
        }
    }
    let told = format!("{same} the same, {refused} refused here, {failed} by umoci");
    assert!(same > 60 && refused < same, "{told}");
}
