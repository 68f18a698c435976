//! The traps of file access one by one, each shown to be what this very kernel does.

// Tests may be blunt; clippy.toml says so for test functions, this for their helpers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::kernel_probe::Somebody;
use crate::scene::Scene;
use spotcheck::facts::file::AclTag::{Group, GroupObj, Mask, Other, User, UserObj};
use std::io::Write;

const BOB: u32 = 30_001;
const STAFF: u32 = 30_002;
const OPS: u32 = 30_003;

fn bob(groups: &[u32]) -> Somebody {
    Somebody::new(BOB, BOB, groups)
}

fn root() -> Somebody {
    Somebody::new(0, 0, &[])
}

/// A new scene, or a word past the harness that this needs root.
fn scene() -> Option<Scene> {
    if nix::unistd::geteuid().is_root() {
        return Some(Scene::new());
    }
    let test = std::thread::current().name().unwrap_or_default().to_owned();
    let line = format!("SKIPPED (needs root): {test}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
    None
}

#[test]
fn the_owner_class_denies_although_the_group_class_allows() {
    let Some(scene) = scene() else { return };
    let scene = scene.file("f", BOB, STAFF, 0o070);
    assert_eq!(scene.allows("f", &bob(&[STAFF])), "---");
}

#[test]
fn the_group_class_denies_although_others_are_allowed() {
    let Some(scene) = scene() else { return };
    let scene = scene.file("f", 0, STAFF, 0o604);
    assert_eq!(scene.allows("f", &bob(&[STAFF])), "---");
    assert_eq!(scene.allows("f", &bob(&[])), "r--");
}

#[test]
fn group_bits_that_are_a_mask_give_the_group_nothing() {
    let Some(scene) = scene() else { return };
    let entries = [(UserObj, 6), (User(40_000), 6), (GroupObj, 0), (Mask, 6), (Other, 0)];
    let scene = scene.file("f", 0, STAFF, 0o600).acl("f", &entries);
    let mode = std::fs::metadata(scene.path("f")).unwrap();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode.permissions()) & 0o777, 0o660);
    assert_eq!(scene.allows("f", &bob(&[STAFF])), "---");
}

#[test]
fn the_mask_does_not_bound_the_owner_and_others() {
    let Some(scene) = scene() else { return };
    let entries = [(UserObj, 6), (GroupObj, 6), (Group(OPS), 6), (Mask, 4), (Other, 6)];
    let scene = scene.file("f", BOB, STAFF, 0o600).acl("f", &entries);
    let scene = scene.file("g", 0, STAFF, 0o600).acl("g", &entries);
    assert_eq!(scene.allows("f", &bob(&[])), "rw-");
    assert_eq!(scene.allows("g", &bob(&[])), "rw-");
    assert_eq!(scene.allows("g", &bob(&[STAFF])), "r--");
    assert_eq!(scene.allows("g", &bob(&[OPS])), "r--");
}

#[test]
fn with_an_empty_mask_the_acl_is_not_consulted() {
    let Some(scene) = scene() else { return };
    let entries = |mask| [(UserObj, 6), (User(BOB), 7), (GroupObj, 4), (Mask, mask), (Other, 4)];
    let scene = scene.file("quirk", 0, STAFF, 0o600).acl("quirk", &entries(0));
    let scene = scene.file("usual", 0, STAFF, 0o600).acl("usual", &entries(1));
    assert_eq!(scene.allows("quirk", &bob(&[])), "r--");
    assert_eq!(scene.allows("quirk", &bob(&[STAFF])), "---");
    assert_eq!(scene.allows("usual", &bob(&[])), "--x");
}

#[test]
fn what_two_groups_give_does_not_add_up() {
    let Some(scene) = scene() else { return };
    let entries =
        [(UserObj, 7), (GroupObj, 0), (Group(STAFF), 2), (Group(OPS), 1), (Mask, 7), (Other, 7)];
    let scene = scene.dir("d", 0, 0, 0o700).acl("d", &entries);
    // Creating a name needs write and search from one and the same entry.
    assert_eq!(scene.allows("d", &bob(&[STAFF, OPS])), "--x");
    assert_eq!(scene.allows("d", &bob(&[])), "rwx");
}

#[test]
fn a_directory_that_lists_may_not_let_pass() {
    let Some(scene) = scene() else { return };
    let scene = scene.dir("d", 0, 0, 0o744).file("d/f", 0, 0, 0o666);
    assert_eq!(scene.allows("d", &bob(&[])), "r--");
    for path in ["d/f", "d/.", "d/..", "d/missing"] {
        assert_eq!(scene.allows(path, &bob(&[])), "---", "{path}");
    }
}

#[test]
fn forty_links_are_followed_and_forty_one_are_not() {
    let Some(scene) = scene() else { return };
    let scene = (1..=41).fold(scene.file("l0", 0, 0, 0o644), |scene, i| {
        scene.link(&format!("l{i}"), 0, format!("l{}", i - 1))
    });
    assert_eq!(scene.allows("l40", &bob(&[])), "r--");
    assert_eq!(scene.allows("l41", &bob(&[])), "---");
    assert_eq!(scene.allows("l41", &root()), "---");
}

#[test]
fn root_executes_only_what_has_an_execute_bit() {
    let Some(scene) = scene() else { return };
    let scene = scene.file("plain", BOB, BOB, 0o644).file("program", BOB, BOB, 0o001);
    assert_eq!(scene.allows("plain", &root()), "rw-");
    assert_eq!(scene.allows("program", &root()), "rwx");
    assert_eq!(scene.allows("program", &bob(&[])), "---");
}

#[test]
fn root_without_capabilities_still_owns_what_root_owns() {
    let Some(scene) = scene() else { return };
    let scene = scene.file("own", 0, 0, 0o600).file("other", BOB, BOB, 0o600);
    let weak = root().with(&["--bounding-set=-all"]);
    assert_eq!(scene.allows("own", &weak), "rw-");
    assert_eq!(scene.allows("other", &weak), "---");
}

#[test]
fn the_mode_of_a_link_means_nothing_and_its_directory_does() {
    let Some(scene) = scene() else { return };
    let scene = scene.dir("d", 0, 0, 0o700).file("f", 0, 0, 0o644);
    let target = scene.path("f");
    let scene = scene.link("d/hidden", BOB, &target).link("open", 0, "d/../f").link("l", 0, "f/");
    assert_eq!(scene.allows("d/hidden", &bob(&[])), "---");
    assert_eq!(scene.allows("open", &bob(&[])), "---");
    assert_eq!(scene.allows("open", &root()), "rw-");
    assert_eq!(scene.allows("l", &root()), "---");
}

/// Whatever `fs.protected_symlinks` says on this host.
#[test]
fn links_in_shared_directories_are_followed_as_the_host_is_set() {
    let Some(scene) = scene() else { return };
    let scene = scene.file("f", 0, 0, 0o644).dir("tmp", 0, 0, 0o1777);
    let target = scene.path("f");
    let scene = scene.link("tmp/own", BOB, &target).link("tmp/root", 0, &target);
    let scene = scene.link("tmp/stranger", 40_000, &target);
    assert_eq!(scene.allows("tmp/own", &bob(&[])), "r--");
    assert_eq!(scene.allows("tmp/root", &bob(&[])), "r--");
    let protected = std::fs::read("/proc/sys/fs/protected_symlinks").unwrap().starts_with(b"1");
    let expected = if protected { "---" } else { "r--" };
    assert_eq!(scene.allows("tmp/stranger", &bob(&[])), expected);
}

/// A read-only bind mount in a mount namespace of its own, gone with the process.
#[test]
fn a_read_only_mount_takes_no_writes_but_a_fifo_on_it_does() {
    let Some(scene) = scene() else { return };
    let mut scene =
        scene.file("f", BOB, BOB, 0o644).dir("d", BOB, BOB, 0o755).fifo("p", BOB, BOB, 0o600);
    let place = scene.path("").display().to_string();
    let mount = "mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro \"$0\" && exec \"$@\"";
    scene.through = ["unshare", "-m", "sh", "-c", mount, &place].map(String::from).to_vec();
    scene.files.read_only = Some(true);
    assert_eq!(scene.allows("f", &bob(&[])), "r--");
    assert_eq!(scene.allows("f", &root()), "r--");
    assert_eq!(scene.allows("d", &bob(&[])), "r-x");
    assert_eq!(scene.allows("p", &bob(&[])), "rw-");
}

#[test]
fn what_others_made_in_a_sticky_directory_stays_and_what_is_missing_can_be_made() {
    let Some(scene) = scene() else { return };
    let scene = scene
        .dir("sticky", 0, 0, 0o1777)
        .dir("sticky/roots", 0, 0, 0o777)
        .file("sticky/bobs", BOB, 0, 0o600)
        .link("sticky/bobs-link", BOB, "roots");
    assert_eq!(scene.lets_replace("sticky/roots", &bob(&[])), Some(false));
    assert_eq!(scene.lets_replace("sticky/missing", &bob(&[])), Some(true));
    assert_eq!(scene.lets_replace("sticky/bobs", &bob(&[])), Some(true));
    assert_eq!(scene.lets_replace("sticky/bobs-link", &bob(&[])), Some(true));
    let owner =
        Somebody::new(STAFF, STAFF, &[]).with(&["--inh-caps=+fowner", "--ambient-caps=+fowner"]);
    assert_eq!(scene.lets_replace("sticky/roots", &owner), Some(true));
}

#[test]
fn the_owner_of_a_sticky_directory_may_remove_what_he_likes() {
    let Some(scene) = scene() else { return };
    let scene = scene.dir("d", BOB, 0, 0o1777).dir("d/roots", 0, 0, 0o700);
    assert_eq!(scene.lets_replace("d/roots", &bob(&[])), Some(true));
    assert_eq!(scene.lets_replace("d/roots", &Somebody::new(STAFF, STAFF, &[])), Some(false));
}

#[test]
fn a_directory_of_root_can_be_renamed_in_a_parent_that_all_may_write() {
    let Some(scene) = scene() else { return };
    let scene = scene.dir("open", 0, 0, 0o777).dir("open/roots", 0, 0, 0o700);
    assert_eq!(scene.lets_replace("open/roots", &bob(&[])), Some(true));
    let scene = scene.dir("listed", 0, 0, 0o776).dir("listed/x", 0, 0, 0o700);
    assert_eq!(scene.lets_replace("listed/x", &bob(&[])), Some(false), "w without x");
}

#[test]
fn a_name_is_replaced_through_the_group_the_acl_and_its_mask() {
    let Some(scene) = scene() else { return };
    let acl = |mask| [(UserObj, 7), (User(BOB), 7), (GroupObj, 0), (Mask, mask), (Other, 5)];
    let directory = |scene: Scene, name: &str, mask| {
        scene.dir(name, 0, STAFF, 0o700).acl(name, &acl(mask)).file(
            &format!("{name}/x"),
            0,
            0,
            0o600,
        )
    };
    let scene = directory(directory(directory(scene, "all", 7), "masked", 5), "empty", 0);
    assert_eq!(scene.lets_replace("all/x", &bob(&[])), Some(true));
    assert_eq!(scene.lets_replace("all/x", &Somebody::new(OPS, OPS, &[STAFF])), Some(false));
    assert_eq!(scene.lets_replace("masked/x", &bob(&[])), Some(false));
    // With an empty mask the ACL is not consulted at all: others may not write.
    assert_eq!(scene.lets_replace("empty/x", &bob(&[])), Some(false));
}

#[test]
fn root_without_capabilities_still_replaces_what_is_in_his_directories() {
    let Some(scene) = scene() else { return };
    let scene = scene.dir("d", 0, 0, 0o755).file("d/x", BOB, 0, 0o600).dir("bobs", BOB, BOB, 0o755);
    let bare = root().with(&["--bounding-set=-all", "--inh-caps=-all"]);
    assert_eq!(scene.lets_replace("d/x", &bare), Some(true));
    assert_eq!(scene.lets_replace("bobs/new", &bare), Some(false));
}

#[test]
fn nothing_is_replaced_below_what_is_missing_or_no_directory() {
    let Some(scene) = scene() else { return };
    let scene = scene.file("f", BOB, BOB, 0o666);
    assert_eq!(scene.lets_replace("none/x", &bob(&[])), None);
    assert_eq!(scene.lets_replace("f/x", &bob(&[])), None);
}

/// Whether `chattr(1)` can set a flag here; it is taken off again when dropped.
struct Flag(std::path::PathBuf, &'static str);

impl Flag {
    fn set(scene: &Scene, name: &str, flag: &'static str) -> Option<Self> {
        let path = scene.path(name);
        let done = std::process::Command::new("chattr").arg(format!("+{flag}")).arg(&path).output();
        match done {
            Ok(output) if output.status.success() => Some(Self(path, flag)),
            _ => {
                let line = "SKIPPED (no chattr, or a filesystem without flags)\n";
                std::io::stderr().write_all(line.as_bytes()).unwrap();
                None
            }
        }
    }
}

impl Drop for Flag {
    fn drop(&mut self) {
        let _ =
            std::process::Command::new("chattr").arg(format!("-{}", self.1)).arg(&self.0).output();
    }
}

#[test]
fn nobody_writes_an_immutable_or_append_only_file_as_he_likes() {
    let Some(scene) = scene() else { return };
    for flag in ["i", "a"] {
        let name = format!("f{flag}");
        let directory = format!("d{flag}");
        let inside = format!("d{flag}/old");
        let created = Scene::new()
            .file(&name, BOB, BOB, 0o666)
            .dir(&directory, BOB, BOB, 0o777)
            .file(&inside, BOB, BOB, 0o666);
        let Some(on_file) = Flag::set(&created, &name, flag) else { return };
        assert_eq!(created.allows(&name, &bob(&[])), "r--", "{flag}");
        assert_eq!(created.allows(&name, &root()), "r--", "{flag}");
        let Some(on_directory) = Flag::set(&created, &directory, flag) else { return };
        // Of an immutable directory nothing is renamed and in it nothing made; files in it are written.
        let new = format!("{directory}/new");
        // What the probe makes in an append-only directory it could not remove again.
        if flag == "i" {
            assert_eq!(created.lets_replace(&new, &bob(&[])), Some(false), "{flag}");
        }
        assert_eq!(created.lets_replace(&inside, &bob(&[])), Some(false), "{flag}");
        assert_eq!(created.lets_replace(&inside, &root()), Some(false), "{flag}");
        assert_eq!(created.allows(&inside, &bob(&[])), "rw-", "{flag}");
        // What cannot be removed keeps its name in a directory that may be written.
        let open = created.dir(&format!("o{flag}"), BOB, BOB, 0o777).file(
            &format!("o{flag}/x"),
            0,
            0,
            0o644,
        );
        let Some(on_entry) = Flag::set(&open, &format!("o{flag}/x"), flag) else { return };
        assert_eq!(open.lets_replace(&format!("o{flag}/x"), &bob(&[])), Some(false), "{flag}");
        // Before the directory is removed.
        drop((on_file, on_directory, on_entry));
    }
    drop(scene);
}
